import pytest
import torch

from mmvis.registry import MODELS
from mmvis.structures import ClipFeatures

B, M, C, H, W = 2, 4, 16, 5, 6


def make_neck(**kwargs):
    torch.manual_seed(0)
    cfg = dict(
        type='MessengerTokenNeck',
        in_channels=[8, 12],
        embed_dims=C,
        num_messenger_tokens=M,
        num_layers=2,
        layer=dict(num_heads=2, feedforward_channels=20),
    )
    return MODELS.build(cfg | kwargs).eval()


def frames_that_change(neck, features, frame):
    """Frames whose encoded map depends on the last level of one frame."""
    neck = neck.double()  # what far frames send is faint
    maps = [m.double() for m in features.maps]
    before = neck(features.replace(maps=tuple(maps))).maps[1]
    maps[1] = maps[1].clone()
    maps[1][:, frame] += 1
    after = neck(features.replace(maps=tuple(maps))).maps[1]
    difference = (before - after).abs().amax(dim=(0, 2, 3, 4))
    return (difference > 1e-11).nonzero().flatten().tolist()


@pytest.mark.parametrize('num_frames', [1, 2, 3, 8])
def test_shapes(make_features, num_frames):
    features = make_features(num_frames)
    out = make_neck()(features)
    assert out.maps[0] is features.maps[0]
    assert out.maps[1].shape == (B, num_frames, C, H, W)
    assert out.tokens.shape == (B, num_frames, M, C)
    assert out.token_pos.shape == (M, C)
    assert out.feat_strides == (8, 16)


@pytest.mark.parametrize(
    ('num_layers', 'reached'),
    [(2, range(5, 10)), (3, range(3, 12)), (4, range(1, 14))],
)
def test_messenger_tokens_move_two_frames_per_layer(make_features, num_layers, reached):
    neck = make_neck(num_layers=num_layers)
    assert frames_that_change(neck, make_features(15), 7) == list(reached)


def test_ends_of_a_clip_are_neighbours(make_features):
    assert frames_that_change(make_neck(), make_features(9), 0) == [0, 1, 2, 7, 8]


def test_each_run_goes_its_way(make_features):
    neck = make_neck(shift_strides=(1, 3))
    assert frames_that_change(neck, make_features(9), 2) == [2, 3, 5]


@pytest.mark.parametrize('num_layers', [2, 3])
def test_without_shift_frames_exchange_nothing(make_features, num_layers):
    neck = make_neck(shift_strides=(0,), num_layers=num_layers)
    assert frames_that_change(neck, make_features(5), 2) == [2]


@pytest.mark.parametrize('num_layers', [2, 3, 4, 5])
def test_messenger_tokens_return_to_their_frame(num_layers):
    neck = make_neck(num_layers=num_layers)
    tokens = torch.randn(B, 7, M, C)
    moved = tokens
    for layer in range(num_layers):
        moved = neck.exchange(moved, layer)
        is_home = layer % 2 == 1 or layer == num_layers - 1
        assert torch.equal(moved, tokens) == is_home


def test_one_frame_is_encoded_as_without_shift(make_features):
    features = make_features(1)
    shifting, still = make_neck(), make_neck(shift_strides=(0, 0))
    torch.testing.assert_close(shifting(features).maps[1], still(features).maps[1])


def test_rolled_clip_gives_rolled_result(make_features):
    """No frame is first or last."""
    neck, features = make_neck(), make_features(5)
    rolled = features.replace(maps=tuple(m.roll(2, dims=1) for m in features.maps))
    out, out_rolled = neck(features), neck(rolled)
    torch.testing.assert_close(out.maps[1].roll(2, dims=1), out_rolled.maps[1])
    torch.testing.assert_close(out.tokens.roll(2, dims=1), out_rolled.tokens)


def test_frame_order_matters(make_features):
    neck, features = make_neck(), make_features(5)
    order = [1, 0, 2, 3, 4]
    swapped = features.replace(maps=tuple(m[:, order] for m in features.maps))
    difference = neck(features).maps[1][:, order] - neck(swapped).maps[1]
    assert difference.abs().max() > 1e-4


def test_clips_of_a_batch_are_independent(make_features):
    neck, features = make_neck(), make_features()
    both = neck(features)
    one = neck(
        ClipFeatures(
            tuple(m[1:] for m in features.maps),
            features.feat_strides,
            tuple(m[1:] for m in features.padding_masks),
        )
    )
    torch.testing.assert_close(both.maps[1][1:], one.maps[1])
    torch.testing.assert_close(both.tokens[1:], one.tokens)


def test_padding_changes_nothing(make_features):
    neck, features = make_neck(), make_features()
    x = features.maps[1]
    padded = torch.cat([x, torch.randn(B, 3, 12, 2, W)], dim=3)
    mask = torch.zeros(B, 3, H + 2, W, dtype=torch.bool)
    mask[:, :, H:] = True
    out = neck(ClipFeatures((padded,), (16,), (mask,)))
    expected = neck(ClipFeatures((x,), (16,), (mask[:, :, :H],)))
    torch.testing.assert_close(out.maps[0][..., :H, :], expected.maps[0])
    torch.testing.assert_close(out.tokens, expected.tokens)


def test_mixed_precision(make_features):
    neck, features = make_neck(), make_features()
    expected = neck(features)
    with torch.autocast('cpu', torch.bfloat16):
        out = neck(features)
    assert (out.maps[1] - expected.maps[1]).abs().max() < 0.1
    assert (out.tokens - expected.tokens).abs().max() < 0.1


def test_gradients_reach_every_parameter(make_features):
    neck = make_neck().train()
    neck(make_features()).maps[-1].square().sum().backward()
    # The cells read the values and the positions of the messenger tokens.
    without = [
        name
        for name, p in neck.named_parameters()
        if p.grad is None or not p.grad.abs().sum() > 0
    ]
    assert without == []


def test_unequal_groups_are_refused():
    with pytest.raises(ValueError, match='got 6 messenger tokens and shift_strides='):
        make_neck(num_messenger_tokens=6)


def test_one_layer_is_refused():
    with pytest.raises(ValueError, match='`num_layers` must be at least 2, got 1'):
        make_neck(num_layers=1)


def test_channels_are_compared_when_the_model_is_built():
    cfg = dict(
        type='ClipVISModel',
        backbone=dict(type='ResNet', depth=18, base_channels=8, out_indices=(1, 2)),
        neck=dict(type='MessengerTokenNeck', in_channels=[16, 64], embed_dims=C),
        head=dict(type='SemanticHead', num_classes=2, in_channels=[16, C]),
    )
    with pytest.raises(ValueError, match=r'MessengerTokenNeck was built .*\[16, 64\]'):
        MODELS.build(cfg)
