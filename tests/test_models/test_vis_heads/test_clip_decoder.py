"""The decoder's start; its numbers are tested against IFC's and VisTR's."""

import pytest
import torch

from mmvis.models.vis_heads import ClipDecoder
from mmvis.registry import MODELS


def test_queries_start_at_random():
    torch.manual_seed(0)
    embed = ClipDecoder(12, embed_dims=32).query_embed.weight
    assert 0.8 < embed.std() < 1.2


def test_layers_take_what_the_config_says():
    layer = dict(num_heads=2, feedforward_channels=12, dropout=0.3)
    decoder = ClipDecoder(5, embed_dims=8, num_layers=2, layer=layer)
    assert len(decoder.layers) == 2
    for made in decoder.layers:
        assert made.self_attn.num_heads == made.cross_attn.num_heads == 2
        assert made.ffn.linear1.out_features == 12
        assert made.ffn.dropout.p == made.cross_attn.dropout == 0.3


def test_unknown_argument_of_a_layer_is_refused():
    cfg = dict(type='ClipDecoder', num_queries=5, layer=dict(num_head=2))
    with pytest.raises(TypeError, match='num_head'):
        MODELS.build(cfg)
