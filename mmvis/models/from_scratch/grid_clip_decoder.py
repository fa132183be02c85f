"""Clip decoder with queries on a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from mmvis.errors import UserValueError
from mmvis.models.layers import sine_position
from mmvis.models.vis_heads import ClipDecoder
from mmvis.registry import MODELS

__all__ = ['GridClipDecoder']

#: Gain of the projections that a grid starts with, so that attention is local.
_GRID_SHARPNESS = 2.0


@MODELS.register_module()
class GridClipDecoder(ClipDecoder):
    """A :class:`ClipDecoder` whose queries start at the points of a grid.

    Position embeddings become the position codes of the grid's points. In
    cross-attention queries and keys are projected by the same orthogonal matrix, which
    keeps inner products, so that a query matches the cells around its point best; the
    lower the temperature, the more so. Queries with random position embeddings have no
    place in the frame at first; DETR's need hundreds of epochs to specialise.
    This is only the initialisation: all of it is trained.

    Args:
        num_queries (int): Q.
        query_grid (Sequence[int]): Rows and columns of the grid, of Q points.
        pos_temperature (float): Of the 2-D position code, see :func:`sine_position`;
            the neck's. Defaults to DETR's, 10000.
        **kwargs: Of :class:`ClipDecoder`.

    Raises:
        ValueError: If ``query_grid`` does not have Q points.
    """

    def __init__(
        self,
        num_queries: int,
        *,
        query_grid: Sequence[int],
        pos_temperature: float = 10000,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_queries, **kwargs)
        if math.prod(query_grid) != num_queries:
            raise UserValueError(
                f'head.decoder.query_grid={tuple(query_grid)} has '
                f'{math.prod(query_grid)} points, but head.num_queries is '
                f'{num_queries}. Make rows x columns equal to the number of queries.'
            )
        self.query_grid = tuple(query_grid)
        self.pos_temperature = pos_temperature
        self.position_args = (*self.position_args, pos_temperature)
        self._start_on_grid()

    @torch.no_grad()
    def _start_on_grid(self) -> None:
        points = torch.zeros(1, 1, *self.query_grid, dtype=torch.bool)
        embed_dims = self.query_embed.embedding_dim
        codes = sine_position(points, embed_dims, self.pos_temperature, offset=-0.5)
        self.query_embed.weight.copy_(codes[0, 0])
        for layer in self.layers:
            weight = layer.get_parameter('cross_attn.in_proj_weight')
            of_query, of_key, _ = weight.chunk(3)
            nn.init.orthogonal_(of_query, gain=_GRID_SHARPNESS)
            of_key.copy_(of_query)
