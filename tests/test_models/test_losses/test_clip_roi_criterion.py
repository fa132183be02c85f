"""Matching and losses of one stage, with numbers that were worked out by hand."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from mmengine.structures import InstanceData
from torch import nn

from mmvis.models.losses.clip_roi_criterion import (
    Positives,
    box_losses,
    mask_losses,
    mask_targets,
    match_clips,
)
from mmvis.models.roi_heads import StageOutput
from mmvis.models.task_modules import ClipHungarianAssigner
from mmvis.registry import MODELS

pytestmark = pytest.mark.usefixtures('mmvis_scope')

B, T, Q, K, C = 2, 2, 3, 2, 4
H, W = 8, 16
FAR = [60.0, 60, 70, 70]
# Two instances in the first clip, the second of which is absent from frame 1 (its
# box there is of no account); none in the second clip.
FIRST, SECOND = [0.0, 0, 4, 4], [6.0, 2, 16, 8]
MOVED = [6.0, 4, 10, 8]


def make_gts(empty=False):
    gt = InstanceData(
        metainfo=dict(img_shape=(H, W)),
        labels=torch.tensor([1, 0]),
        bboxes=torch.tensor([[FIRST, MOVED], [SECOND, [0.0, 0, 1, 1]]]),
        visible=torch.tensor([[True, True], [True, False]]),
        masks=torch.zeros(2, T, H, W),
    )
    gt.masks[0, 0, :, : W // 2] = 1  # left half, then upper half
    gt.masks[0, 1, : H // 2] = 1
    gt.masks[1, 0] = 1
    nothing = gt[torch.zeros(2, dtype=torch.bool)]
    return [nothing, nothing] if empty else [gt, nothing]


def make_stage():
    """Query 2 follows the first instance; query 0 shows the second, 4 pixels off."""
    bboxes = torch.tensor(FAR).repeat(B, T, Q, 1)
    bboxes[0, 0, 2] = torch.tensor(FIRST)
    bboxes[0, 1, 2] = torch.tensor(MOVED)
    bboxes[0, 0, 0] = torch.tensor(SECOND) - torch.tensor([4.0, 0, 4, 0])
    return StageOutput(
        torch.zeros(B, T, Q, K, requires_grad=True),
        bboxes.requires_grad_(),
        torch.zeros(B, T, Q, C, requires_grad=True),
        mask_bboxes=bboxes,
    )


def match(stage, gts):
    cost = dict(type='FrameMeanCost', cost=dict(type='BBoxL1Cost'))
    return match_clips(ClipHungarianAssigner([cost]), stage, gts)


@pytest.fixture
def bbox_head():
    return SimpleNamespace(
        loss_cls=MODELS.build(
            dict(type='FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25)
        ),
        loss_bbox=MODELS.build(dict(type='L1Loss')),
        loss_iou=MODELS.build(dict(type='GIoULoss')),
    )


class FakeMaskHead(nn.Module):
    """Logits of no opinion for the classes of the three pairs, of one for others."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, roi_feats, attn_feats):
        logits = torch.full((len(roi_feats), K, 4, 4), 20.0)
        logits[[0, 1, 2], [0, 1, 1]] = 0
        return logits * self.weight + attn_feats.sum()

    def loss_mask(self, probs, targets, avg_factor):
        return (probs - targets).abs().mean((1, 2)).sum() / avg_factor


def test_query_is_positive_where_its_instance_is_seen():
    positives = match(make_stage(), make_gts())
    assert positives.clips.tolist() == [0, 0, 0]
    assert positives.frames.tolist() == [0, 0, 1]
    assert positives.queries.tolist() == [0, 2, 2]
    assert positives.gts.tolist() == [1, 0, 0]
    assert positives.avg_factor.item() == len(positives) == 3
    stage, gts = make_stage(), make_gts()
    assert positives.pick(stage.bboxes)[2].tolist() == MOVED
    picked = positives.pick_gts([gt.bboxes for gt in gts])
    assert picked.tolist() == [SECOND, FIRST, MOVED]


def test_box_losses_are_divided_by_the_number_of_pairs(bbox_head):
    stage, gts = make_stage(), make_gts()
    whwh = torch.tensor([[W, H, W, H]] * B).float()
    losses = box_losses(bbox_head, stage, match(stage, gts), gts, whwh)
    # Two sides that are 4 of 16 pixels off.
    assert losses['loss_bbox'].item() == pytest.approx(2 * 4 / 16 / 3)
    # Boxes 10 wide, 4 apart: 6 of 14 shared, in a hull of 14.
    assert losses['loss_iou'].item() == pytest.approx((1 - 6 / 14) / 3)
    # Probabilities of 0.5: 3 positive and 21 negative units.
    unit = math.log(2) / 4
    expected = (3 * 0.25 + 21 * 0.75) * unit / 3
    assert losses['loss_cls'].item() == pytest.approx(expected)


def test_without_instances_everything_is_negative(bbox_head):
    stage, gts = make_stage(), make_gts(empty=True)
    positives = match(stage, gts)
    assert len(positives) == 0
    assert positives.avg_factor.item() == 1
    whwh = torch.tensor([[W, H, W, H]] * B).float()
    losses = box_losses(bbox_head, stage, positives, gts, whwh)
    losses |= mask_losses(FakeMaskHead(), None, [], stage, positives, gts)
    assert losses['loss_cls'].item() == pytest.approx(24 * 0.75 * math.log(2) / 4)
    for name in ('loss_bbox', 'loss_iou', 'loss_mask'):
        assert losses[name].item() == 0
    sum(losses.values()).backward()
    for x in (stage.cls_logits, stage.bboxes, stage.attn_feats):
        assert x.grad is not None  # connected, for DDP


def test_mask_loss_is_that_of_the_class_within_the_box():
    stage, gts = make_stage(), make_gts()
    seen = []

    def extractor(maps, rois):
        seen.append(rois)
        return torch.zeros(len(rois), C, 2, 2)

    positives = match(stage, gts)
    losses = mask_losses(FakeMaskHead(), extractor, [], stage, positives, gts)
    # Each pair is wrong by 0.5 everywhere.
    assert losses['loss_mask'].item() == pytest.approx(3 * 0.5 / 3)
    (rois,) = seen
    assert rois[:, 0].tolist() == [0, 0, 1]
    assert rois[2, 1:].tolist() == MOVED
    assert not rois.requires_grad
    losses['loss_mask'].backward()
    assert stage.bboxes.grad is None


def test_masks_are_made_in_the_boxes_of_masks():
    stage, gts, seen = make_stage(), make_gts(), []
    stage = replace(stage, mask_bboxes=stage.bboxes + 2)

    def extractor(maps, rois):
        seen.append(rois)
        return torch.zeros(len(rois), C, 2, 2)

    positives = match(stage, gts)
    mask_losses(FakeMaskHead(), extractor, [], stage, positives, gts)
    assert seen[0][2, 1:].tolist() == [side + 2 for side in MOVED]


def test_images_of_all_clips_are_counted():
    positives = Positives(
        *(torch.tensor([x]) for x in (1, 1, 2, 0)), avg_factor=torch.tensor(1.0)
    )
    gts, stage, seen = make_gts()[::-1], make_stage(), []

    def extractor(maps, rois):
        seen.append(rois)
        return torch.zeros(len(rois), C, 2, 2)

    head = FakeMaskHead()
    head.forward = lambda roi_feats, attn_feats: torch.zeros(1, K, 4, 4)
    mask_losses(head, extractor, [], stage, positives, gts)
    assert seen[0][0, 0].item() == 1 * T + 1


@pytest.mark.parametrize(
    'box', [[0.0, 0, W, H], [-50.0, -3, 90, 40]], ids=['inside', 'beyond']
)
def test_mask_targets_are_cropped_from_the_image(box):
    gts = make_gts()
    positives = match(make_stage(), gts)
    targets = mask_targets(positives, torch.tensor([box] * 3), gts, (4, 4))
    left = [[1.0, 1, 0, 0]] * 4
    upper = [[1.0] * 4] * 2 + [[0.0] * 4] * 2
    assert targets.tolist() == [[[1.0] * 4] * 4, left, upper]


def test_mask_targets_of_a_part():
    gts = make_gts()
    positives = match(make_stage(), gts)
    boxes = torch.tensor([[0.0, 0, W, H], [4.0, 2, 8, 6], [4.0, 3, 12, 7]])
    targets = mask_targets(positives, boxes, gts, (4, 4))
    # Inside the left half; one of four rows within the upper half.
    assert targets[1].all()
    assert targets[2].tolist() == [[1.0] * 4] + [[0.0] * 4] * 3
