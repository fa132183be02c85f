import pytest
import torch
from mmengine.structures import InstanceData

from mmvis.registry import TASK_UTILS

pytestmark = pytest.mark.usefixtures('mmvis_scope')
Q, T, K = 4, 3, 2


def build(cost='ClassificationCost'):
    return TASK_UTILS.build(
        dict(type='FirstFrameAssigner', match_costs=[dict(type=cost)])
    )


def predictions(likes):
    """Class logits (Q, T, K+1): ``likes[q][t]`` is the class that a query is for."""
    scores = torch.zeros(Q, T, K + 1)
    for q, classes in enumerate(likes):
        for t, k in enumerate(classes):
            scores[q, t, k] = 5
    return InstanceData(scores=scores)


def instances(labels, visible):
    return InstanceData(
        labels=torch.tensor(labels, dtype=torch.long),
        visible=torch.tensor(visible, dtype=torch.bool).view(len(labels), T),
    )


def matches(pred, gt):
    query_inds, gt_inds = build().assign(pred, gt)
    return dict(zip(gt_inds.tolist(), query_inds.tolist()))


def test_an_instance_keeps_the_query_of_its_first_frame():
    # In frames 1 and 2 query 3 is the one for class 1, but in frame 0 it is query 2.
    pred = predictions([(0, 0, 0), (2, 2, 2), (1, 0, 0), (0, 1, 1)])
    assert matches(pred, instances([1], [[1, 1, 1]])) == {0: 2}
    assert matches(pred, instances([1], [[0, 1, 1]])) == {0: 3}


def test_an_instance_that_appears_later_takes_none_that_is_taken():
    pred = predictions([(1, 1, 1), (2, 2, 2), (2, 2, 2), (2, 1, 1)])
    gt = instances([1, 1, 1], [[0, 1, 1], [1, 0, 0], [0, 1, 0]])
    found = matches(pred, gt)
    assert found[1] == 0  # first in time, though second in the list
    assert 3 in (found[0], found[2])
    assert len(set(found.values())) == 3


def test_those_of_one_frame_are_matched_together():
    pred = predictions([(0, 0, 0), (1, 0, 0), (2, 2, 2), (2, 2, 2)])
    pred.scores[1, 0, 0] = 4  # query 1 would also do for class 0
    assert matches(pred, instances([1, 0], [[1, 1, 1]] * 2)) == {0: 1, 1: 0}


def test_masks_are_compared_in_the_first_frame():
    logits = torch.full((Q, T, 4), -9.0)
    logits[2, 1, :2] = 9
    logits[0, 2, :2] = 9
    pred = InstanceData(scores=torch.zeros(Q, T, K + 1), masks=logits)
    gt = instances([0], [[0, 1, 1]])
    gt.masks = torch.tensor([1.0, 1, 0, 0]).expand(1, T, 4)
    assigner = TASK_UTILS.build(
        dict(
            type='FirstFrameAssigner',
            match_costs=[dict(type='DiceCost', pred_act=True, eps=1.0)],
        )
    )
    query_inds, _ = assigner.assign(pred, gt)
    assert query_inds.tolist() == [2]


def test_an_instance_that_is_never_visible_gets_none():
    assert matches(predictions([(0, 0, 0)] * Q), instances([0], [[0, 0, 0]])) == {}


def test_no_instances():
    query_inds, gt_inds = build().assign(
        predictions([(0, 0, 0)] * Q), instances([], [])
    )
    assert query_inds.shape == gt_inds.shape == (0,)
    assert query_inds.dtype == torch.long


def test_more_instances_than_queries():
    visible = [[1, 1, 1]] * 3 + [[0, 1, 1]] * 3
    found = matches(predictions([(0, 0, 0)] * Q), instances([0] * 6, visible))
    assert len(found) == Q
    assert {0, 1, 2} <= set(found)


def test_without_costs():
    with pytest.raises(ValueError, match='FirstFrameAssigner needs at least one match'):
        TASK_UTILS.build(dict(type='FirstFrameAssigner', match_costs=[]))
