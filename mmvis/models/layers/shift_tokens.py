"""TeViT's messenger shift."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mmvis.errors import UserValueError

__all__ = ['check_shift_strides', 'shift_tokens', 'strides_after']


def check_shift_strides(shift_strides: Sequence[int], num_tokens: int) -> None:
    """Raise an error unless ``num_tokens`` can be split into equal groups.

    Args:
        shift_strides (Sequence[int]): Frames by which each run moves.
        num_tokens (int): Messenger tokens of a frame.

    Raises:
        ValueError: If the number of groups does not divide them.
    """
    if not shift_strides or num_tokens % len(shift_strides):
        raise UserValueError(
            '`num_messenger_tokens` must be a multiple of the number of '
            f'`shift_strides`, got {num_tokens} messenger tokens and '
            f'shift_strides={tuple(shift_strides)}.'
        )


def strides_after(
    layer: int, num_layers: int, shift_strides: Sequence[int]
) -> list[int]:
    """Frames by which each group is shifted after a layer.

    Every second layer reverses the shift, and the last of an odd number shifts
    nothing: in the end each token is in the frame in which it started.

    Args:
        layer (int): Index of the layer.
        num_layers (int): Number of layers.
        shift_strides (Sequence[int]): Frames by which the first layer shifts each
            group.

    Returns:
        list[int]: As many as ``shift_strides``.
    """
    is_last_of_odd = num_layers % 2 == 1 and layer == num_layers - 1
    sign = 0 if is_last_of_odd else 1 if layer % 2 == 0 else -1
    return [sign * stride for stride in shift_strides]


def shift_tokens(tokens: Tensor, shift_strides: Sequence[int]) -> Tensor:
    """Shift equal groups of tokens along time, each by its own number of frames.

    TeViT (Yang et al., CVPR 2022), Sec. 3.2. The shift is circular: what leaves
    the clip at one end enters it at the other. It has no parameters, and shifting
    by the negated strides undoes it.

    Args:
        tokens (Tensor): Shape (B, T, M, C).
        shift_strides (Sequence[int]): Frames by which each group shifts; by +1, frame
            t receives what frame t - 1 had. M is a multiple of their number.

    Returns:
        Tensor: Shape (B, T, M, C).
    """
    groups = tokens.chunk(len(shift_strides), dim=2)
    return torch.cat(
        [group.roll(s, dims=1) for group, s in zip(groups, shift_strides)], dim=2
    )
