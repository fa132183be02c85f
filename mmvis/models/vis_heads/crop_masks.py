"""Cropping of mask logits to the unpadded frame."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ['crop_masks']


def crop_masks(
    mask_logits: Tensor, frame_size: tuple[int, int], mask_stride: int
) -> Tensor:
    """Crop the padding at the bottom and on the right.

    Where the frame ends within a cell, the last axes are resampled bilinearly, so that
    the result covers the frame exactly, as :class:`ClipPrediction` wants it.

    Args:
        mask_logits (Tensor): Mask logits of the padded input, shape (..., h, w).
        frame_size (tuple[int, int]): Height and width of the frame, pixels of the
            input.
        mask_stride (int): Side of a cell, pixels of the input.

    Returns:
        Tensor: Shape (..., ceil(H/stride), ceil(W/stride)).
    """
    for axis, side in zip((-2, -1), frame_size):
        num_cells = math.ceil(side / mask_stride)
        if side % mask_stride == 0:
            mask_logits = mask_logits.narrow(axis, 0, num_cells)
        else:
            covered = side / mask_stride
            weights = _linear_weights(mask_logits, axis, covered, num_cells)
            mask_logits = (mask_logits.movedim(axis, -1) @ weights).movedim(-1, axis)
    return mask_logits


def _linear_weights(like: Tensor, axis: int, covered: float, num_out: int) -> Tensor:
    """Weights (num_in, num_out) that spread the first ``covered`` cells of an axis."""
    num_in = like.shape[axis]
    centres = torch.arange(num_out, dtype=torch.float64, device=like.device) + 0.5
    source = (centres * covered / num_out - 0.5).clamp(0, num_in - 1)
    cells = torch.arange(num_in, dtype=torch.float64, device=like.device)
    distance = (cells[:, None] - source).abs()
    return (1 - distance).clamp(min=0).to(like.dtype)
