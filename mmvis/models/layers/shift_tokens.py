"""TeViT's exchange between frames: tokens change places along time."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ['shift_tokens']


def shift_tokens(tokens: Tensor, shift_strides: Sequence[int]) -> Tensor:
    """Move equal runs of tokens along time, each by its own number of frames.

    TeViT (Yang et al., CVPR 2022), Sec. 3.2. The shift is circular: what leaves
    the clip at one end enters it at the other. It has no parameters, and shifting
    by the negated strides undoes it.

    Args:
        tokens (Tensor): Shape (B, T, M, C).
        shift_strides (Sequence[int]): Frames by which each run moves; by +1, frame
            t receives what frame t - 1 had. M is a multiple of their number.

    Returns:
        Tensor: Shape (B, T, M, C).

    Raises:
        ValueError: If M cannot be cut into that many equal runs.
    """
    num_tokens, num_runs = tokens.shape[2], len(shift_strides)
    if num_tokens % num_runs:
        raise ValueError(
            f'{num_tokens} tokens cannot be cut into {num_runs} equal runs, one for '
            f'each of shift_strides={tuple(shift_strides)}. Take a multiple of '
            f'{num_runs} tokens.'
        )
    runs = tokens.chunk(num_runs, dim=2)
    return torch.cat(
        [run.roll(stride, dims=1) for run, stride in zip(runs, shift_strides)], dim=2
    )
