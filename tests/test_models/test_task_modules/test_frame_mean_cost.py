import numpy as np
import pytest
import torch
from mmdet.structures.bbox import bbox_cxcywh_to_xyxy
from mmengine.structures import InstanceData

from mmvis.models.task_modules import ClipHungarianAssigner, FrameMeanCost
from mmvis.testing import find_golden

pytestmark = pytest.mark.usefixtures('mmvis_scope')

# Of TeViT, golden/tevit/notes.md
COSTS = [
    dict(type='FrameMeanCost', cost=dict(type='FocalLossCost', weight=2.0)),
    dict(type='FrameMeanCost', cost=dict(type='BBoxL1Cost', weight=5.0)),
    dict(type='FrameMeanCost', cost=dict(type='IoUCost', iou_mode='giou', weight=2.0)),
]


def load_case(case):
    """Predictions, ground truth, and the clip's identities of a golden case."""
    arrays = np.load(find_golden('tevit/assigner.npz'))
    golden = {
        key.partition('/')[2]: torch.from_numpy(arrays[key])
        for key in arrays.files
        if key.startswith(f'case{case}/')
    }
    h, w = golden['img_hw'].tolist()
    T = len(golden['cls_logits'])
    ids = sorted({i for t in range(T) for i in golden[f'frame{t}/gt_ids'].tolist()})
    gt = InstanceData(
        metainfo=dict(img_shape=(h, w)),
        labels=torch.zeros(len(ids), dtype=torch.long),
        bboxes=torch.zeros(len(ids), T, 4),
        visible=torch.zeros(len(ids), T, dtype=torch.bool),
    )
    for t in range(T):
        for i, gt_id in enumerate(golden[f'frame{t}/gt_ids'].tolist()):
            n = ids.index(gt_id)
            gt.labels[n] = golden[f'frame{t}/gt_labels'][i]
            gt.bboxes[n, t] = golden[f'frame{t}/gt_bboxes'][i]
            gt.visible[n, t] = True
    boxes = bbox_cxcywh_to_xyxy(golden['bbox_pred_cxcywh'])
    pred = InstanceData(
        scores=golden['cls_logits'].transpose(0, 1),
        bboxes=(boxes * torch.tensor([w, h, w, h])).transpose(0, 1),
    )
    return golden, pred, gt, ids


@pytest.mark.parametrize('case', range(5))
def test_assigns_boxes_as_the_original(case):
    golden, pred, gt, ids = load_case(case)
    assigner = ClipHungarianAssigner(COSTS)
    assert ('cost' in golden) == (len(ids) > 0)
    if 'cost' in golden:
        cost = assigner.cost_matrix(pred, gt)
        torch.testing.assert_close(cost, golden['cost'], atol=1e-4, rtol=0)
    query_inds, gt_inds = assigner.assign(pred, gt)
    assigned = torch.zeros_like(golden['gt_inds'])  # (T, Q), 1-based
    labels = torch.full_like(assigned, -1)
    for q, n in zip(query_inds.tolist(), gt_inds.tolist()):
        for t in range(len(assigned)):
            frame_ids = golden[f'frame{t}/gt_ids'].tolist()
            if ids[n] in frame_ids:
                assigned[t, q] = frame_ids.index(ids[n]) + 1
                labels[t, q] = gt.labels[n]
    assert torch.equal(assigned, golden['gt_inds'])
    assert torch.equal(labels, golden['labels'])


def test_averages_over_the_frames_with_the_instance():
    pred = InstanceData(bboxes=torch.zeros(1, 3, 4))
    gt = InstanceData(
        metainfo=dict(img_shape=(10, 10)),
        labels=torch.tensor([0]),
        bboxes=torch.tensor([[[0.0, 0, 5, 5], [0, 0, 2, 2], [0, 0, 9, 9]]]),
        visible=torch.tensor([[True, True, False]]),
    )
    cost = dict(type='BBoxL1Cost')
    # L1 of the frames: 1.0, 0.4, 1.8
    assert FrameMeanCost(cost)(pred, gt).item() == pytest.approx(0.7)
