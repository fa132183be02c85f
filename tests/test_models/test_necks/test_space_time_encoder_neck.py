import pytest
import torch

from mmvis.models.necks import SpaceTimeEncoderNeck


def build(**changes):
    torch.manual_seed(0)
    cfg = dict(
        in_channels=[8, 12],
        embed_dims=24,
        num_layers=2,
        layer=dict(num_heads=4, feedforward_channels=16, dropout=0.0),
    )
    return SpaceTimeEncoderNeck(**(cfg | changes))


@pytest.mark.parametrize('num_frames', [1, 3])
def test_only_the_coarsest_level_is_encoded(make_features, num_frames):
    features = make_features(num_frames)
    encoded = build()(features)
    assert encoded.maps[0] is features.maps[0]
    assert encoded.maps[1].shape == (2, num_frames, 24, 5, 6)


@torch.no_grad()
def test_each_frame_sees_all_frames_of_its_clip_only(make_features):
    features = make_features(3)
    neck = build()
    before = neck(features).maps[-1]
    changed = features.maps[-1].clone()
    changed[0, 2] += 1
    after = neck(features.replace(maps=(features.maps[0], changed))).maps[-1]
    assert (after[0] - before[0]).abs().amax((1, 2, 3)).min() > 1e-3
    torch.testing.assert_close(after[1], before[1])


@torch.no_grad()
def test_order_of_frames_matters(make_features):
    features = make_features(3)
    neck = build()
    flipped = features.replace(maps=tuple(m.flip(1) for m in features.maps))
    difference = neck(flipped).maps[-1].flip(1) - neck(features).maps[-1]
    assert difference.abs().max() > 1e-3


@torch.no_grad()
def test_padding_changes_nothing(make_features):
    features = make_features(2)
    mask = features.padding_masks[-1].clone()
    mask[:, :, 3:] = True
    mask[:, :, :, 4:] = True
    neck = build()
    masks = (features.padding_masks[0], mask)
    padded = neck(features.replace(padding_masks=masks)).maps[-1]
    alone = features.replace(
        maps=(features.maps[0], features.maps[1][..., :3, :4]),
        padding_masks=(features.padding_masks[0], mask[..., :3, :4]),
    )
    torch.testing.assert_close(padded[..., :3, :4], neck(alone).maps[-1])


def test_recomputing_changes_no_gradient_and_all_learn(make_features):
    features, grads = make_features(2), []
    for with_cp in (False, True):
        neck = build(with_cp=with_cp)
        neck(features).maps[-1].square().sum().backward()
        grads.append([p.grad for p in neck.parameters()])
    assert all(grad is not None for grad in grads[0])
    torch.testing.assert_close(grads[0], grads[1])
