"""Checks of single weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ['quoted', 'tensor_problem', 'weight_problem']

_DTYPES = (
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool),
)


def tensor_problem(value: Any) -> str | None:
    """What keeps a value from being a tensor that can be computed with.

    Args:
        value (Any): From a checkpoint.

    Returns:
        str | None: 'is ...' or 'holds ...', or None if it is dense, real and finite.
    """
    if not isinstance(value, Tensor):
        return f'is a {type(value).__name__}, expected a tensor'
    if value.is_meta:
        return 'is a tensor on the device "meta", which holds no values'
    if value.layout != torch.strided or value.is_nested or value.is_quantized:
        return 'is a sparse, nested or quantized tensor, expected a dense one'
    if value.dtype not in _DTYPES:
        return f'is of {value.dtype}, expected real numbers'
    if value.numel() * value.element_size() > value.untyped_storage().nbytes():
        return 'is an expanded tensor, expected one that holds each of its values'
    if value.is_floating_point() and not value.isfinite().all():
        return 'holds NaN or infinite values'
    return None


def weight_problem(name: str, value: Tensor, expected: Tensor) -> str | None:
    """What keeps a tensor from being a certain weight of a model.

    Args:
        name (str): The weight's name.
        value (Tensor): From a checkpoint; dense, real, finite, of any shape.
        expected (Tensor): The model's.

    Returns:
        str | None: 'has ...', 'is ...' or 'holds ...', or None if it fits.
    """
    if value.shape != expected.shape:
        return f'has shape {tuple(value.shape)}, expected {tuple(expected.shape)}'
    if _kind(value) != _kind(expected):
        return f'is of {value.dtype}, expected {expected.dtype}'
    if value.is_floating_point() and not value.to(expected.dtype).isfinite().all():
        return f'holds values that are too large for {expected.dtype}'
    if name.endswith('running_var') and (value < 0).any():
        return 'is a variance and holds negative values'
    return None


def quoted(name: Any) -> str:
    """A name from a file as it may be printed: short, without control characters."""
    text = ' '.join(repr(name).split())  # arrays are printed in several lines
    return text if len(text) <= 200 else f'{text[:200]}...'


def _kind(value: Tensor) -> str:
    if value.is_floating_point():
        return 'float'
    return 'bool' if value.dtype == torch.bool else 'int'
