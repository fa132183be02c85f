import math

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

from mmvis.registry import MODELS
from mmvis.testing import videomt_cfg

pytestmark = pytest.mark.usefixtures('mmvis_scope')
B, Q, T, K = 2, 5, 3, 4
SIZE = (16, 24)


def build(**changes):
    criterion = videomt_cfg(num_classes=K, num_points=64)['head']['criterion']
    return MODELS.build(criterion | dict(num_classes=K) | changes)


def make_sample(labels, masks):
    sample = TrackDataSample()
    frames = []
    for t in range(T):
        frame = DetDataSample(metainfo=dict(batch_input_shape=SIZE))
        frame.gt_instances = InstanceData(
            labels=torch.tensor(labels, dtype=torch.long),
            masks=BitmapMasks(masks[:, t], *SIZE),
            bboxes=torch.zeros(len(labels), 4),
            visible=torch.from_numpy(masks[:, t].any((1, 2))),
        )
        frames.append(frame)
    sample.video_data_samples = frames
    return sample


@pytest.fixture
def samples():
    masks = np.zeros((2, T, *SIZE), np.uint8)
    masks[0, :, :8, :8] = 1
    masks[1, 1, 8:, 8:] = 1  # absent from frames 0 and 2
    return [make_sample([3, 0], masks), make_sample([1], masks[:1])]


def random_layer(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return dict(
        cls_logits=torch.randn(B, Q, T, K + 1, generator=generator, requires_grad=True),
        mask_logits=torch.randn(B, Q, T, 4, 6, generator=generator, requires_grad=True),
    )


def perfect_layer():
    layer = dict(
        cls_logits=torch.full((B, Q, T, K + 1), -20.0),
        mask_logits=torch.full((B, Q, T, *SIZE), -20.0),
    )
    layer['cls_logits'][..., K] = 20
    upper, lower = np.s_[:8, :8], np.s_[8:, 8:]
    for b, q, label, frames, cells in (
        (0, 4, 3, range(T), upper),
        (0, 1, 0, [1], lower),
        (1, 2, 1, range(T), upper),
    ):
        for t in frames:
            layer['cls_logits'][b, q, t, K] = -20
            layer['cls_logits'][b, q, t, label] = 20
            layer['mask_logits'][b, q, t][cells] = 20
    return layer


def dense():
    """Without chance: the cells of a grid instead of points."""
    return build(masks=dict(type='DenseMasks', mask_stride=1))


def test_perfect_predictions_cost_nothing(samples):
    losses = dense()([perfect_layer()], samples)
    assert set(losses) == {'loss_cls', 'loss_mask', 'loss_dice'}
    for value in losses.values():
        assert value.item() == pytest.approx(0, abs=1e-5)


def test_a_query_learns_no_object_where_its_instance_is_absent(samples):
    layer = perfect_layer()
    layer['cls_logits'][0, 1, 0] = torch.tensor([20.0, -20, -20, -20, -20])
    losses = dense()([layer], samples)
    # 7 of B*Q*T query-frames are objects, the other 23 weigh 0.1: one is off by 40.
    assert losses['loss_cls'].item() == pytest.approx(
        2 * 0.1 * 40 / (7 + 2.3), rel=1e-4
    )
    assert losses['loss_mask'].item() == pytest.approx(0, abs=1e-5)


def test_masks_are_compared_in_the_frames_where_instances_are_visible(samples):
    layer = perfect_layer()
    layer['mask_logits'][0, 1, 0] = 20  # absent there: no matter
    layer['mask_logits'][0, 1, 2] = 20
    layer['mask_logits'][0, 4, 2] = 0  # half sure of everything
    losses = dense()([layer], samples)
    # One of 7 masks, each pixel of which costs log 2.
    assert losses['loss_mask'].item() == pytest.approx(5 * math.log(2) / 7, rel=1e-4)
    pixels = SIZE[0] * SIZE[1]
    dice = 1 - (2 * 32 + 1) / (pixels / 2 + 64 + 1)
    assert losses['loss_dice'].item() == pytest.approx(5 * dice / 7, rel=1e-4)


def test_at_points_in_all_pixels_losses_are_the_dense_ones(samples, pixel_points):
    layer = random_layer()
    layer['mask_logits'] = torch.randn(B, Q, T, *SIZE)
    points = dict(type='PointMasks', num_points=SIZE[0] * SIZE[1])
    sampled = build(masks=points)([layer], samples)
    torch.testing.assert_close(sampled, dense()([layer], samples))


def test_deep_supervision_names(samples):
    layers = [random_layer(1), random_layer(2)]
    losses = dense()(layers, samples)
    alone = dense()([layers[0]], samples)
    assert len(losses) == 6
    for name, value in alone.items():
        torch.testing.assert_close(losses[f'd0.{name}'], value)


def test_clip_without_instances(samples):
    none = make_sample([], np.zeros((0, T, *SIZE), np.uint8))
    layer = random_layer()
    losses = build()([layer], [none, none])
    assert losses['loss_mask'].item() == 0
    assert losses['loss_dice'].item() == 0
    sum(losses.values()).backward()
    # Connected to the graph, so that all ranks use the same parameters.
    assert layer['mask_logits'].grad.abs().sum() == 0
    mixed = build()([random_layer()], [samples[0], none])
    assert all(torch.isfinite(value) for value in mixed.values())
