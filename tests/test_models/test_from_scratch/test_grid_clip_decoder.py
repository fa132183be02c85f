import pytest
import torch

from mmvis.models.from_scratch import GridClipDecoder
from mmvis.models.layers import sine_position
from mmvis.models.vis_heads import IFCHead

C, TEMPERATURE = 32, 20


def test_queries_on_a_grid_attend_around_their_points():
    torch.manual_seed(0)
    decoder = GridClipDecoder(
        12,
        embed_dims=C,
        num_layers=2,
        layer=dict(num_heads=1),
        pos_temperature=TEMPERATURE,
        query_grid=(3, 4),
    )
    cells = torch.zeros(1, 1, 12, 16, dtype=torch.bool)
    cells = sine_position(cells, C, TEMPERATURE)[0]
    for layer in decoder.layers:
        queries, keys, _ = layer.cross_attn._project(
            decoder.query_embed.weight[None], cells, cells
        )
        scores = (queries @ keys.transpose(-1, -2)).view(12, 3, 4, 4, 4)
        per_block = scores.mean((2, 4)).flatten(
            1
        )  # of each query on each point's block
        assert torch.equal(per_block.argmax(1), torch.arange(12))


def test_grid_of_another_size_is_refused():
    decoder = dict(type='GridClipDecoder', query_grid=(3, 5))
    message = r'query_grid=\(3, 5\) has 15 points, but head.num_queries is 12'
    with pytest.raises(ValueError, match=message):
        IFCHead(2, [8, C], decoder=decoder, num_levels=2, embed_dims=C, num_queries=12)
