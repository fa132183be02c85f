"""VidEoMT's head with queries on a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmvis.errors import UserValueError
from mmvis.models.from_scratch.query_window import QueryWindow
from mmvis.models.layers import grid_position, sine_position
from mmvis.models.vis_heads import VidEoMTHead
from mmvis.registry import MODELS

__all__ = ['FromScratchVidEoMTHead']

#: Gain of the projections that a grid starts with, so that attention is local.
_SHARPNESS = 2.0


@MODELS.register_module()
class FromScratchVidEoMTHead(VidEoMTHead):
    """A :class:`VidEoMTHead` for a short training without pre-trained weights.

    Each query starts at a point of a grid: its learned part is the position code of the
    point, queries and keys of the blocks are projected by the same orthogonal matrix,
    which keeps inner products, and a :class:`QueryWindow` is added to its masks. For a
    backbone whose patches start with the same codes.

    Args:
        query_grid (Sequence[int]): Rows and columns, of ``num_queries`` points.
        pos_temperature (float): Of the codes, see :func:`sine_position`.
        **kwargs (Any): Of :class:`VidEoMTHead`.

    Raises:
        ValueError: If the grid does not have ``num_queries`` points.
    """

    def __init__(
        self, *, query_grid: Sequence[int], pos_temperature: float, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if math.prod(query_grid) != self.num_queries:
            raise UserValueError(
                f'head.query_grid={tuple(query_grid)} has {math.prod(query_grid)} '
                f'points, but head.num_queries is {self.num_queries}. Make rows x '
                'columns equal to the number of queries.'
            )
        embed_dims = self.in_channels[-1]
        self.window = QueryWindow(embed_dims, pos_temperature, query_grid)
        points = torch.zeros(1, 1, *query_grid, dtype=torch.bool)
        codes = sine_position(points, embed_dims, pos_temperature, offset=-0.5)
        with torch.no_grad():
            self.query_feat.weight.copy_(codes[0, 0])
            for block in self.blocks:
                of_query, of_key, _ = block.get_parameter('attn.qkv.weight').chunk(3)
                nn.init.orthogonal_(of_query, gain=_SHARPNESS)
                of_key.copy_(of_query)

    def _predict_frame(self, x: Tensor, size: tuple[int, int]) -> dict[str, Tensor]:
        prediction = super()._predict_frame(x, size)
        masks = prediction['mask_logits']
        H, W = masks.shape[-2:]
        positions = grid_position(
            (len(x), 1, H, W),
            ((H, W),) * len(x),
            x.device,
            sine_position,
            *self.window.position_args,
        )
        queries = self.norm(x[:, : self.num_queries])
        window = self.window(
            queries, self.query_feat.weight, self.window.codes(positions)
        )
        return prediction | dict(mask_logits=masks + window.view_as(masks))
