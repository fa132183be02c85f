"""Rotary position code of patches on a grid."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

__all__ = ['rotary_position', 'rotate_tokens']


def rotary_position(
    size: tuple[int, int], head_channels: int, like: Tensor, base: float = 100.0
) -> tuple[Tensor, Tensor]:
    """Angles by which DINOv3 turns queries and keys of patches.

    DINOv3 (Simeoni et al., 2025), Sec. 3.2: the centres of the patches, in [-1, 1] in
    y and x whatever the size of the image, times frequencies that fall from 1 to
    1/``base``. A quarter of the channels each turns with y and x, twice.

    Args:
        size (tuple[int, int]): Rows and columns of patches.
        head_channels (int): c, channels of one attention head, a multiple of 4.
        like (Tensor): Gives device and dtype.
        base (float): Defaults to 100.

    Returns:
        tuple[Tensor, Tensor]: Cosines and sines, each of shape (H*W, c); the same
        tensors for frames of the same size, not to be changed.
    """
    return _angles(size, head_channels, like.device, like.dtype, base)


@lru_cache(maxsize=4)
def _angles(
    size: tuple[int, int],
    head_channels: int,
    device: torch.device,
    dtype: torch.dtype,
    base: float,
) -> tuple[Tensor, Tensor]:
    """Compute the angles once for all frames of a size."""
    with torch.inference_mode(False):
        y, x = (2 * (torch.arange(n, device=device) + 0.5) / n - 1 for n in size)
        steps = torch.arange(head_channels // 4, device=device) * (4 / head_channels)
        frequencies = 2 * math.pi * base**-steps  # (c/4,)
        grid = torch.stack(torch.meshgrid(y, x, indexing='ij'), dim=-1)  # (H, W, 2)
        angles = (grid[..., None] * frequencies).flatten(2).flatten(0, 1)  # (H*W, c/2)
        angles = torch.cat([angles, angles], dim=-1)
        return angles.cos().to(dtype), angles.sin().to(dtype)


def rotate_tokens(tokens: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Turn the last P tokens, leave the others as they are.

    Args:
        tokens (Tensor): Queries or keys, shape (B, heads, N, c).
        cosines (Tensor): Shape (P, c).
        sines (Tensor): Shape (P, c).

    Returns:
        Tensor: Shape (B, heads, N, c).
    """
    others, patches = tokens.split([tokens.shape[2] - len(cosines), len(cosines)], 2)
    first, second = patches.chunk(2, dim=-1)
    turned = patches * cosines + torch.cat([-second, first], dim=-1) * sines
    return torch.cat([others, turned.to(others.dtype)], dim=2)
