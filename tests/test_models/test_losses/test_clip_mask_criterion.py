import math

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

from mmvis.registry import MODELS

pytestmark = pytest.mark.usefixtures('mmvis_scope')
B, Q, T, K = 2, 5, 3, 4


def build(**changes):
    cfg = dict(
        type='ClipMaskCriterion',
        num_classes=K,
        assigner=dict(
            type='ClipHungarianAssigner',
            match_costs=[
                dict(type='ClassificationCost'),
                dict(type='DiceCost', pred_act=True, naive_dice=True, eps=1.0),
            ],
        ),
        loss_cls=dict(type='CrossEntropyLoss', loss_weight=1.0),
        loss_mask=dict(type='FocalLoss', loss_weight=1.0),
        loss_dice=dict(type='DiceLoss', naive_dice=True, eps=1.0, loss_weight=1.0),
    )
    return MODELS.build(cfg | changes)


def make_sample(labels, masks):
    sample = TrackDataSample()
    frames = []
    for t in range(T):
        frame = DetDataSample(metainfo=dict(batch_input_shape=(16, 24)))
        frame.gt_instances = InstanceData(
            labels=torch.tensor(labels, dtype=torch.long),
            masks=BitmapMasks(masks[:, t], 16, 24),
            bboxes=torch.zeros(len(labels), 4),
            visible=torch.from_numpy(masks[:, t].any((1, 2))),
        )
        frames.append(frame)
    sample.video_data_samples = frames
    return sample


@pytest.fixture
def samples():
    masks = np.zeros((2, T, 16, 24), np.uint8)
    masks[0, :, :8, :8] = 1
    masks[1, 1, 8:, 8:] = 1  # absent from frames 0 and 2
    return [make_sample([3, 0], masks), make_sample([1], masks[:1])]


def random_layer(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return dict(
        cls_logits=torch.randn(B, Q, K + 1, generator=generator, requires_grad=True),
        mask_logits=torch.randn(B, Q, T, 2, 3, generator=generator, requires_grad=True),
    )


def test_perfect_predictions_cost_nothing(samples):
    criterion = build(masks=dict(type='DenseMasks', mask_stride=8))
    layer = dict(
        cls_logits=torch.full((B, Q, K + 1), -20.0),
        mask_logits=torch.full((B, Q, T, 2, 3), -20.0),
    )
    layer['cls_logits'][..., K] = 20
    for b, q, label, cells in (
        (0, 4, 3, (slice(None), 0, 0)),
        (0, 1, 0, (1, 1, slice(1, None))),
        (1, 2, 1, (slice(None), 0, 0)),
    ):
        layer['cls_logits'][b, q, K], layer['cls_logits'][b, q, label] = -20, 20
        layer['mask_logits'][b, q][cells] = 20
    losses = criterion([layer], samples)
    assert set(losses) == {'loss_cls', 'loss_mask', 'loss_dice'}
    assert losses['loss_cls'].item() == pytest.approx(0, abs=1e-6)
    assert losses['loss_mask'].item() == pytest.approx(0, abs=1e-6)
    assert losses['loss_dice'].item() == pytest.approx(0, abs=1e-6)


def test_class_loss_is_the_weighted_mean(samples):
    layer = random_layer()
    losses = build(no_object_weight=0.25)([layer], samples)
    criterion = build()
    expected, weights = 0, 0
    for b, sample in enumerate(samples):
        gt = criterion.prepare_targets(sample, layer['mask_logits'])
        inds, gt_inds = criterion.match(
            layer['cls_logits'][b], layer['mask_logits'][b], gt
        )
        labels = [K] * Q
        for q, n in zip(inds.tolist(), gt_inds.tolist()):
            labels[q] = int(gt.labels[n])
        log_probs = layer['cls_logits'][b].log_softmax(-1)
        for q, label in enumerate(labels):
            weight = 0.25 if label == K else 1.0
            expected -= weight * log_probs[q, label].item()
            weights += weight
    assert losses['loss_cls'].item() == pytest.approx(expected / weights, rel=1e-5)


def test_deep_supervision_names(samples):
    layers = [random_layer(1), random_layer(2)]
    losses = build()(layers, samples)
    alone = build()([layers[0]], samples)
    assert len(losses) == 6
    for name, value in alone.items():
        torch.testing.assert_close(losses[f'd0.{name}'], value)


def test_clip_without_instances(samples):
    none = make_sample([], np.zeros((0, T, 16, 24), np.uint8))
    layer = random_layer()
    losses = build()([layer], [none, none])
    assert losses['loss_mask'].item() == 0
    assert losses['loss_dice'].item() == 0
    sum(losses.values()).backward()
    # Connected to the graph, so that all ranks use the same parameters.
    assert layer['mask_logits'].grad.abs().sum() == 0
    mixed = build()([random_layer()], [samples[0], none])
    assert all(math.isfinite(value) for value in mixed.values())


def test_targets_are_soft_at_borders(samples):
    criterion = build(masks=dict(type='DenseMasks', mask_stride=4))
    gt = criterion.prepare_targets(samples[0], torch.zeros(1))
    assert gt.masks.shape == (2, T, 4, 6)
    assert set(gt.masks.unique().tolist()) <= {0, 0.25, 0.5, 0.75, 1}
    assert gt.masks[1].sum((1, 2)).tolist() == [0, 8, 0]


def test_at_points_in_all_pixels_losses_are_the_dense_ones(samples, pixel_points):
    layer = random_layer()
    layer['mask_logits'] = torch.randn(B, Q, T, 16, 24)
    points = dict(type='PointMasks', num_points=16 * 24)
    sampled = build(masks=points)([layer], samples)
    dense = build(masks=dict(type='DenseMasks', mask_stride=1))([layer], samples)
    torch.testing.assert_close(sampled, dense)
