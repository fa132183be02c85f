import pytest
import torch

from mmvis.models.from_scratch import (
    FromScratchMemoryTokenNeck,
    FromScratchMessengerTokenNeck,
    FromScratchSpaceTimeEncoderNeck,
)
from mmvis.models.necks import (
    MemoryTokenNeck,
    MessengerTokenNeck,
    SpaceTimeEncoderNeck,
)
from mmvis.models.necks.encoder_neck import EncoderNeck
from mmvis.structures import ClipFeatures

B, T, C, H, W = 2, 2, 24, 5, 6
PAIRS = [
    (FromScratchMemoryTokenNeck, MemoryTokenNeck),
    (FromScratchMessengerTokenNeck, MessengerTokenNeck),
    (FromScratchSpaceTimeEncoderNeck, SpaceTimeEncoderNeck),
]
TOKEN_NECKS = [kind for kind, _ in PAIRS[:2]]


def build(kind, **kwargs):
    torch.manual_seed(0)
    layer = dict(num_heads=4, feedforward_channels=16, dropout=0.0)
    return kind(in_channels=[12], embed_dims=C, layer=layer, **kwargs).eval()


def make_features(maps, mask=None):
    if mask is None:
        mask = torch.zeros(B, T, *maps.shape[-2:], dtype=torch.bool)
    return ClipFeatures((maps,), (16,), (mask,))


@torch.no_grad()
@pytest.mark.parametrize(('kind', 'published'), PAIRS)
def test_cells_of_equal_content_differ_by_their_place(kind, published):
    """Also in what values are made of, where the published necks have no position."""
    constant = make_features(torch.ones(B, T, 12, H, W))
    for neck, differs in ((build(kind), True), (build(published), False)):
        cells, pos = neck.embed_cells(EncoderNeck.prepare_frames(neck, constant))
        assert cells.shape == pos.shape == (B, T, H * W, C)
        assert torch.allclose(cells[:, :, 0], cells[:, :, 7]) != differs


@torch.no_grad()
@pytest.mark.parametrize(('kind', 'published'), PAIRS)
def test_it_is_the_published_neck_with_positions_in_the_cells(kind, published):
    x = torch.randn(B, T, 12, H, W)
    neck, other = build(kind), build(published)
    assert {n: p.shape for n, p in neck.named_parameters()} == {
        n: p.shape for n, p in other.named_parameters()
    }
    _, pos = other.embed_cells(make_features(x))
    embed_cells = other.embed_cells

    def with_positions(features):
        return embed_cells(features)[0] + pos, pos

    other.embed_cells = with_positions
    expected = other(make_features(x)).maps[0]
    torch.testing.assert_close(neck(make_features(x)).maps[0], expected)


@torch.no_grad()
@pytest.mark.parametrize('kind', [kind for kind, _ in PAIRS])
def test_padding_changes_nothing(kind):
    x = torch.randn(B, T, 12, H, W)
    mask = torch.zeros(B, T, H, W, dtype=torch.bool)
    mask[:, :, 3:] = True
    mask[:, :, :, 4:] = True
    neck = build(kind)
    padded = neck(make_features(x, mask)).maps[0]
    alone = neck(make_features(x[..., :3, :4])).maps[0]
    torch.testing.assert_close(padded[..., :3, :4], alone)


@torch.no_grad()
@pytest.mark.parametrize('kind', TOKEN_NECKS)
def test_position_code_has_the_temperature(kind):
    features = make_features(torch.randn(B, T, 12, H, W))
    sharp, smooth, default = (
        build(kind, **kwargs).position(features)
        for kwargs in (dict(pos_temperature=20), dict(pos_temperature=10000), {})
    )
    torch.testing.assert_close(default, smooth)
    differs = (sharp - sharp[:, :, :1]).abs() - (smooth - smooth[:, :, :1]).abs()
    assert differs.mean() > 0.1  # the lower, the more do places differ
