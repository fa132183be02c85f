"""Position codes of feature levels, computed once for all clips of a size."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from mmvis.structures import ClipFeatures

__all__ = ['grid_position', 'level_position']


def level_position(
    features: ClipFeatures, level: int, position: Callable[..., Tensor], *args: float
) -> Tensor:
    """Encode the places of a level's cells.

    Codes depend only on the sizes of the frames. Where these are known, clips of the
    sizes of earlier ones get the same tensor, which must not be changed.

    Args:
        features (ClipFeatures): Of B clips of T frames.
        level (int): Index of the level.
        position (Callable): :func:`sine_position` or :func:`sine_position_3d`.
        *args: What it takes besides the padding mask.

    Returns:
        Tensor: Shape (B, T, H*W, C).
    """
    padding_mask, sizes = features.padding_masks[level], features.level_sizes(level)
    if sizes is None:
        return position(padding_mask, *args)
    return grid_position(
        tuple(padding_mask.shape), sizes, padding_mask.device, position, *args
    )


@lru_cache(maxsize=4)
def grid_position(
    shape: tuple[int, int, int, int],
    sizes: tuple[tuple[int, int], ...],
    device: torch.device,
    position: Callable[..., Tensor],
    *args: float,
) -> Tensor:
    """Encode the places of cells; the last results are kept.

    Args:
        shape (tuple[int]): B, T, H and W of the grid.
        sizes (tuple[tuple[int, int]]): Height and width of each clip's frames, in
            cells; what lies outside is padding.
        device (device): Of the result.
        position (Callable): As of :func:`level_position`.
        *args: As of :func:`level_position`.

    Returns:
        Tensor: Shape (B, T, H*W, C).
    """
    # A tensor of inference mode could not be used in a training later.
    with torch.inference_mode(False), torch.no_grad():
        padding_mask = torch.ones(shape, dtype=torch.bool, device=device)
        for mask, (h, w) in zip(padding_mask, sizes):
            mask[:, :h, :w] = False
        return position(padding_mask, *args)
