"""Learned proposals on a grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.dense_heads import EmbeddingRPNHead

from mmvis.errors import UserValueError
from mmvis.registry import MODELS

__all__ = ['GridRPNHead']


@MODELS.register_module()
class GridRPNHead(EmbeddingRPNHead):
    """Learned boxes that are initialised as a grid over the frame.

    MMDetection initialises every box as the whole image; boxes become different in a
    long training. On a grid they differ from the beginning, which helps a short
    training from scratch. Parameters are the same.

    Args:
        grid (Sequence[int]): Rows and columns of the boxes' centres; as many boxes as
            there are points.
        box_size (Sequence[float]): Width and height of a box, as shares of the
            frame's. Defaults to (0.4, 0.4).
        **kwargs: Of ``EmbeddingRPNHead``.

    Raises:
        ValueError: If ``num_proposals`` is not the number of points.
    """

    def __init__(
        self,
        grid: Sequence[int],
        box_size: Sequence[float] = (0.4, 0.4),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        rows, columns = grid
        if self.num_proposals != rows * columns:
            raise UserValueError(
                f'A grid of {rows} x {columns} points has {rows * columns} boxes, but '
                f'rpn_head.num_proposals is {self.num_proposals}. Set both alike.'
            )
        self.grid = (rows, columns)
        self.box_size = tuple(box_size)

    def init_weights(self) -> None:
        """Put the centres on the grid, row by row."""
        super().init_weights()
        rows, columns = self.grid
        y = (torch.arange(rows) + 0.5) / rows
        x = (torch.arange(columns) + 0.5) / columns
        centres = torch.cartesian_prod(y, x).flip(1)
        sizes = torch.tensor(self.box_size).expand_as(centres)
        with torch.no_grad():
            self.init_proposal_bboxes.weight.copy_(torch.cat([centres, sizes], dim=1))
