"""Learned proposals that start apart from each other."""

from __future__ import annotations

import math

import torch
from mmdet.models.dense_heads import EmbeddingRPNHead
from torch import nn

from mmvis.registry import MODELS

__all__ = ['GridRPNHead']


@MODELS.register_module()
class GridRPNHead(EmbeddingRPNHead):
    """Learned boxes that start as a grid over the picture.

    MMDetection's start as the whole picture, all of them, and learn in long training
    to go different ways. From a grid, queries differ from the beginning, which helps
    a short training from scratch. Parameters are the same.

    Args:
        box_size (float): Width and height of a box, as shares of the picture's.
            Defaults to 0.4.
        **kwargs: Of ``EmbeddingRPNHead``.
    """

    def __init__(self, box_size: float = 0.4, **kwargs) -> None:
        super().__init__(**kwargs)
        self.box_size = box_size

    def init_weights(self) -> None:
        """Put the centres on a grid, row by row, of as many columns as rows."""
        super().init_weights()
        side = math.ceil(math.sqrt(self.num_proposals))
        inds = torch.arange(self.num_proposals)
        rows, columns = inds // side, inds % side
        boxes = self.init_proposal_bboxes.weight
        with torch.no_grad():
            boxes[:, 0] = (columns + 0.5) / side
            boxes[:, 1] = (rows + 0.5) / side
        nn.init.constant_(boxes[:, 2:], self.box_size)
