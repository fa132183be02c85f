"""TeViT's exchange between frames: tokens change places along time."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mmvis.errors import UserValueError

__all__ = ['check_shift_strides', 'shift_tokens', 'strides_after']


def check_shift_strides(shift_strides: Sequence[int], num_tokens: int) -> None:
    """Raise an error unless ``num_tokens`` can be cut into equal runs.

    Args:
        shift_strides (Sequence[int]): Frames by which each run moves.
        num_tokens (int): Messengers of a frame.

    Raises:
        ValueError: If the number of runs does not divide them.
    """
    if not shift_strides or num_tokens % len(shift_strides):
        raise UserValueError(
            '`num_messenger_tokens` must be a multiple of the number of '
            f'`shift_strides`, got {num_tokens} messengers and '
            f'shift_strides={tuple(shift_strides)}.'
        )


def strides_after(
    layer: int, num_layers: int, shift_strides: Sequence[int]
) -> list[int]:
    """Frames by which runs move after a layer, so that all end at home.

    Every second layer moves them back; the last of an odd number leaves them where
    they are.

    Args:
        layer (int): Index of the layer.
        num_layers (int): Number of layers.
        shift_strides (Sequence[int]): Frames by which each run moves first.

    Returns:
        list[int]: As many as ``shift_strides``.
    """
    is_last_of_odd = num_layers % 2 == 1 and layer == num_layers - 1
    sign = 0 if is_last_of_odd else 1 if layer % 2 == 0 else -1
    return [sign * stride for stride in shift_strides]


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
    """
    runs = tokens.chunk(len(shift_strides), dim=2)
    return torch.cat(
        [run.roll(stride, dims=1) for run, stride in zip(runs, shift_strides)], dim=2
    )
