import pytest
import torch
from mmengine.structures import InstanceData

from mmvis.models.task_modules import ClipHungarianAssigner

pytestmark = pytest.mark.usefixtures('mmvis_scope')


def test_matches_over_all_frames_at_once():
    """Query 0 is right in frame 0 only, query 1 in both."""
    masks = torch.full((3, 2, 1, 4), -9.0)
    masks[0, 0, 0, :2] = 9
    masks[1, :, 0, :2] = 9
    gt = InstanceData(labels=torch.tensor([1]), masks=torch.zeros(1, 2, 1, 4))
    gt.masks[0, :, 0, :2] = 1
    pred = InstanceData(scores=torch.zeros(3, 3), masks=masks)
    cost = dict(type='DiceCost', pred_act=True, naive_dice=True, eps=1.0)
    assigner = ClipHungarianAssigner([cost])
    query_inds, gt_inds = assigner.assign(pred, gt)
    assert query_inds.tolist() == [1]
    assert gt_inds.tolist() == [0]
    # dice = (2 sum(s t) + 1) / (sum(s) + sum(t) + 1), T and pixels pooled
    costs = assigner.cost_matrix(pred, gt)[:, 0]
    assert costs[0].item() == pytest.approx(1 - 5 / 7, abs=1e-3)
    assert costs[1].item() == pytest.approx(0, abs=1e-3)


def test_costs_are_added_with_their_weights():
    scores = torch.log(torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]]))
    pred = InstanceData(scores=scores)
    gt = InstanceData(labels=torch.tensor([1, 0]))
    cost = dict(type='ClassificationCost')
    assigner = ClipHungarianAssigner([dict(cost, weight=1.0), dict(cost, weight=2.0)])
    expected = -3 * torch.tensor([[0.2, 0.7], [0.6, 0.1]])
    torch.testing.assert_close(assigner.cost_matrix(pred, gt), expected)
    query_inds, gt_inds = assigner.assign(pred, gt)
    assert query_inds.tolist() == [0, 1]
    assert gt_inds.tolist() == [1, 0]


def test_no_instances_and_fewer_queries():
    assigner = ClipHungarianAssigner([dict(type='ClassificationCost')])
    pred = InstanceData(scores=torch.tensor([[0.0, 3.0, 0.0]]))
    none = InstanceData(labels=torch.zeros(0, dtype=torch.long))
    assert [len(inds) for inds in assigner.assign(pred, none)] == [0, 0]
    gt = InstanceData(labels=torch.tensor([0, 1]))
    query_inds, gt_inds = assigner.assign(pred, gt)
    assert (query_inds.tolist(), gt_inds.tolist()) == ([0], [1])


def test_nan_predictions_still_match():
    """So that the loss is what becomes NaN, and is reported by name."""
    assigner = ClipHungarianAssigner([dict(type='ClassificationCost')])
    pred = InstanceData(scores=torch.full((2, 3), float('nan')))
    gt = InstanceData(labels=torch.tensor([0]))
    assert len(assigner.assign(pred, gt)[0]) == 1


def test_needs_a_cost():
    with pytest.raises(ValueError, match='match_costs'):
        ClipHungarianAssigner([])
