import pytest
import torch
from mmengine.registry import init_default_scope

from mmvis.registry import MODELS
from mmvis.structures import ClipFeatures

HEAD = dict(
    type='VisTRHead',
    num_classes=3,
    in_channels=[6, 10, 24],
    clip_len=4,
    num_instances=5,
    embed_dims=24,
    num_attention_maps=4,
    decoder=dict(
        type='ClipDecoder',
        num_layers=2,
        layer=dict(num_heads=4, feedforward_channels=16, dropout=0.0),
        temporal_position=True,
    ),
    num_groups=1,
    num_sequence_groups=1,
)
SIZE = (40, 48)


@pytest.fixture
def build_vistr_head(sequence_criterion):
    """A tiny head: T=4, N=5, K=3, levels of 6, 10 and 24 channels."""

    def build(**changes):
        init_default_scope('mmvis')
        torch.manual_seed(0)
        cfg = dict(HEAD, criterion=sequence_criterion)
        return MODELS.build(cfg | changes).eval()

    return build


@pytest.fixture
def vistr_features():
    """Levels at strides 4, 8, 16 of two clips of 4 frames, nothing padded."""
    generator = torch.Generator().manual_seed(1)
    maps = tuple(
        torch.randn(2, 4, c, SIZE[0] // s, -(-SIZE[1] // s), generator=generator)
        for c, s in ((6, 4), (10, 8), (24, 16))
    )
    masks = tuple(torch.zeros_like(m[:, :, 0], dtype=torch.bool) for m in maps)
    return ClipFeatures(maps, (4, 8, 16), masks)
