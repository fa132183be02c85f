"""Position-dependent mask logits of queries."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.models.layers import MLP
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvis.models.layers import sine_position

__all__ = ['QueryWindow']

#: Initial scale of a query's window: logits of about +2 at its point, -2 far away.
_START_GAIN = 0.2


class QueryWindow(BaseModule):
    """Mask logits that depend on the position only.

    Dynamic kernels, as IFC's, separate two objects only after features and kernels
    have both learned positions. Until then all queries predict the same mask, and the
    matching between queries and objects is random. Here each query has a second
    kernel, over position codes. It is initialised with the code of the query's point,
    so that queries prefer objects near it from the first iteration on. The content of
    the query moves and widens the window, which is the same in all frames of a clip.

    Ours, in the spirit of relative coordinates in CondInst (Tian et al., ECCV 2020).

    Args:
        embed_dims (int): C of queries and codes.
        pos_temperature (float): Of the codes, see :func:`sine_position`.
        query_grid (Sequence[int]): Rows and columns of the queries' points.
    """

    def __init__(
        self, embed_dims: int, pos_temperature: float, query_grid: Sequence[int]
    ) -> None:
        super().__init__()
        self.position_args = (embed_dims, pos_temperature)
        self.kernels = MLP(embed_dims, embed_dims, embed_dims, 3)
        nn.init.zeros_(self.kernels.layers[-1].weight)
        nn.init.zeros_(self.kernels.layers[-1].bias)
        points = torch.zeros(1, 1, *query_grid, dtype=torch.bool)
        codes = sine_position(points, *self.position_args, offset=-0.5)
        # The mean over all cells does not depend on the position.
        self.register_buffer('mean_code', codes.mean((0, 1, 2)), persistent=False)

    def codes(self, positions: Tensor) -> Tensor:
        """Centre the position codes (B, 1, H*W, C) of the cells of one frame.

        Args:
            positions (Tensor): Of :func:`sine_position` with ``position_args``.

        Returns:
            Tensor: Shape (B, H*W, C).
        """
        return positions[:, 0] - self.mean_code

    def forward(self, query: Tensor, query_pos: Tensor, codes: Tensor) -> Tensor:
        """Compute the windows.

        Args:
            query (Tensor): Shape (B, Q, C).
            query_pos (Tensor): Position embedding of the queries, shape (Q, C).
            codes (Tensor): From :meth:`codes`, shape (B, H*W, C).

        Returns:
            Tensor: Logits of shape (B, Q, H*W), for every frame alike.
        """
        kernels = self.kernels(query) + _START_GAIN * query_pos
        return kernels @ codes.transpose(1, 2)
