"""Pasting of masks within boxes into masks of the whole image."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ['paste_masks']


def paste_masks(masks: Tensor, bboxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Stretch masks to their boxes, bilinearly, with zeros around.

    The numbers are those of Mask R-CNN's pasting (``F.grid_sample`` with zero padding
    at pixel centres). As it is separable, it takes two small matrix products.
    Boxes may lie partly or wholly outside of the image, or be empty.

    Args:
        masks (Tensor): Mask probabilities, shape (N, m, m).
        bboxes (Tensor): Their boxes, xyxy in pixels of the image, shape (N, 4).
        size (tuple[int, int]): Height and width of the image.

    Returns:
        Tensor: Shape (N, height, width).
    """
    x1, y1, x2, y2 = bboxes.float().unbind(1)
    rows = _taps(y1, y2, size[0], masks.shape[1])  # (N, height, m)
    columns = _taps(x1, x2, size[1], masks.shape[2])  # (N, width, m)
    return rows @ masks.float() @ columns.transpose(1, 2)


def _taps(start: Tensor, stop: Tensor, num_out: int, num_in: int) -> Tensor:
    """Share of each of a mask's cells in each pixel of one axis."""
    centres = torch.arange(num_out, device=start.device) + 0.5
    extent = stop - start
    cells = (centres - start[:, None]) / extent[:, None].clamp(min=1e-6) * num_in - 0.5
    distance = cells[..., None] - torch.arange(num_in, device=start.device)
    taps = (1 - distance.abs()).clamp(min=0)  # (N, num_out, num_in)
    return taps * (extent > 0)[:, None, None]
