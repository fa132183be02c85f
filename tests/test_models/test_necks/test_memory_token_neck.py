import pytest
import torch

from mmvis.models.necks import MemoryTokenNeck
from mmvis.structures import ClipFeatures

B, T, M, C, H, W = 2, 3, 4, 16, 5, 6


def make_neck(**kwargs):
    torch.manual_seed(0)
    cfg = dict(
        in_channels=[8, 12],
        embed_dims=C,
        num_memory_tokens=M,
        num_layers=2,
        layer=dict(num_heads=2, feedforward_channels=20),
    )
    return MemoryTokenNeck(**(cfg | kwargs)).eval()


@pytest.mark.parametrize('num_frames', [1, T])
def test_shapes(make_features, num_frames):
    neck, features = make_neck(), make_features(num_frames)
    out = neck(features)
    assert out.maps[0] is features.maps[0]
    assert out.maps[1].shape == (B, num_frames, C, H, W)
    assert out.tokens.shape == (B, num_frames, M, C)
    assert out.feat_strides == (8, 16)


def test_frames_exchange_through_memory_only(make_features):
    """A later frame changes an earlier one, but not without the memory layers."""
    neck, features = make_neck(), make_features()
    changed = features.replace(maps=(features.maps[0], features.maps[1].clone()))
    changed.maps[1][:, -1] += 1
    before, after = neck(features), neck(changed)
    assert (before.maps[1][:, 0] - after.maps[1][:, 0]).abs().max() > 1e-4
    neck.memory_layers = torch.nn.ModuleList(torch.nn.Identity() for _ in range(2))
    before, after = neck(features), neck(changed)
    torch.testing.assert_close(before.maps[1][:, 0], after.maps[1][:, 0])


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


def test_frame_order_does_not_matter(make_features):
    """The original has no temporal position code."""
    neck, features = make_neck(), make_features()
    flipped = features.replace(maps=tuple(m.flip(1) for m in features.maps))
    out, out_flipped = neck(features), neck(flipped)
    torch.testing.assert_close(out.tokens.flip(1), out_flipped.tokens)


def test_padding_changes_nothing(make_features):
    neck, features = make_neck(), make_features()
    x = features.maps[1]
    padded = torch.cat([x, torch.randn(B, T, 12, 2, W)], dim=3)
    mask = torch.zeros(B, T, H + 2, W, dtype=torch.bool)
    mask[:, :, H:] = True
    out = neck(ClipFeatures((padded,), (16,), (mask,)))
    expected = neck(ClipFeatures((x,), (16,), (mask[:, :, :H],)))
    torch.testing.assert_close(out.maps[0][..., :H, :], expected.maps[0])
    torch.testing.assert_close(out.tokens, expected.tokens)


def test_gradients_reach_every_parameter(make_features):
    neck = make_neck().train()
    out = neck(make_features())
    (out.maps[-1].sum() + out.tokens.square().sum()).backward()
    without = [n for n, p in neck.named_parameters() if p.grad is None]
    assert without == []
