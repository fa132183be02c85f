"""Unpickling of plain data.

A pickle can call any function. These two ways let it make containers, numbers,
arrays and tensors, and refuse everything else before it is made.
"""

from __future__ import annotations

import argparse
import math
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO, Literal

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

__all__ = ['load_arrays', 'load_torch']


def load_arrays(file: BinaryIO) -> Any:
    """Unpickle containers, numbers and NumPy arrays, as Detectron2 writes them.

    Args:
        file (BinaryIO): Open for reading.

    Returns:
        Any: What the file holds.

    Raises:
        pickle.UnpicklingError: If it refers to anything else, or an array is not what
            its shape and type say.
    """
    return _with_arrays(_ArrayUnpickler(file, encoding='latin1').load())


def load_torch(file: BinaryIO, map_location: str | torch.device) -> Any:
    """Load what ``torch.save`` wrote: tensors, and what MMEngine saves beside them.

    Args:
        file (BinaryIO): Open for reading.
        map_location (str | torch.device): Device of the tensors.

    Returns:
        Any: What the file holds.

    Raises:
        pickle.UnpicklingError: If it refers to anything else.
    """
    with torch.serialization.safe_globals(_data_types()):
        content = torch.load(file, map_location=map_location, weights_only=True)
    return _with_arrays(content)


class _DType:
    """Type of an array as it is pickled, before anything of it is believed."""

    def __init__(self, kind: str, *_flags: Any) -> None:
        self._kind: Any = kind
        self._byte_order: Any = '='

    def __setstate__(self, state: tuple) -> None:
        _, self._byte_order, *_ = state

    @property
    def is_numeric(self) -> bool:
        """Whether it is bool, int, float or complex."""
        return re.fullmatch(
            'b1|[iu][1248]|f[248]|c(8|16)', str(self._kind)
        ) is not None and self._byte_order in ('<', '>', '=', '|')

    def make(self) -> np.dtype:
        return np.dtype(self._kind).newbyteorder(self._byte_order)


class _Array:
    """An array as it is pickled; NumPy crashes on some of them."""

    value: np.ndarray | None = None

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, is_fortran, data = state
        self.value = _read_array(dtype, data, shape, 'F' if is_fortran is True else 'C')


def _read_array(
    dtype: _DType, data: bytes | str, shape: tuple[int, ...], order: Literal['C', 'F']
) -> np.ndarray:
    if not isinstance(dtype, _DType) or not dtype.is_numeric:
        # The check of weights names the entry.
        return np.zeros(0, dtype=object)
    if isinstance(data, str):  # pickled by Python 2
        data = data.encode('latin1')
    is_shape = type(shape) is tuple and all(type(n) is int and n >= 0 for n in shape)
    kind = dtype.make()
    if (
        not is_shape
        or type(data) is not bytes
        or len(data) != math.prod(shape) * kind.itemsize
    ):
        raise pickle.UnpicklingError(
            f'an array of shape {shape!r:.60} does not have as many values'
        )
    values = np.frombuffer(data, kind).astype(kind.newbyteorder('='))
    return values.reshape(shape, order=order)


def _reconstruct(*_args: Any) -> _Array:
    return _Array()


def _scalar(dtype: _DType, data: bytes | str = b'') -> Any:
    return _read_array(dtype, data, (), 'C')[()]


def _encode(text: str, codec: str) -> bytes:
    """What Python 3 pickles bytes as for Python 2."""
    if codec not in ('latin1', 'latin-1'):
        raise pickle.UnpicklingError(f'Unsupported codec {codec!r:.20}')
    return text.encode('latin1')


def _empty_bytes() -> bytes:
    """How Python 3 pickles no bytes for Python 2."""
    return b''


# What a pickled dictionary of NumPy arrays refers to, and nothing else.
_ARRAY_NAMES: dict[tuple[str, str], Callable] = {
    ('__builtin__', 'bytes'): _empty_bytes,
    ('builtins', 'bytes'): _empty_bytes,  # as torch translates it
    ('collections', 'OrderedDict'): OrderedDict,
    ('_codecs', 'encode'): _encode,
    ('numpy', 'ndarray'): _Array,
    ('numpy', 'dtype'): _DType,
    ('numpy.core.multiarray', '_reconstruct'): _reconstruct,
    ('numpy._core.multiarray', '_reconstruct'): _reconstruct,
    ('numpy.core.multiarray', 'scalar'): _scalar,
    ('numpy._core.multiarray', 'scalar'): _scalar,
}


class _ArrayUnpickler(pickle._Unpickler):
    # Written in Python: the one in C takes any memory that a memo index asks for.

    def find_class(self, module: str, name: str) -> Callable:
        if (module, name) not in _ARRAY_NAMES:
            raise pickle.UnpicklingError(f'Unsupported GLOBAL {module}.{name}')
        return _ARRAY_NAMES[module, name]


def _with_arrays(content: Any) -> Any:
    """Put arrays in their places, in containers where they are."""
    try:
        return _replace(content)
    except RecursionError as error:
        raise pickle.UnpicklingError('it is nested too deeply') from error


def _replace(content: Any) -> Any:
    if isinstance(content, _Array):
        if content.value is None:
            raise pickle.UnpicklingError('an array has no values')
        return content.value
    if isinstance(content, dict):
        for key, value in content.items():
            content[key] = _replace(value)
    elif isinstance(content, list):
        content[:] = map(_replace, content)
    elif type(content) is tuple:
        return tuple(map(_replace, content))
    elif isinstance(content, HistoryBuffer):
        _replace(vars(content))
    return content


def _data_types() -> list:
    """Types beside tensors in MMEngine's checkpoints: numbers and log histories."""
    return [
        argparse.Namespace,  # DETR and VisTR save their command line
        slice,
        HistoryBuffer,
        # Log histories hold their own statistics functions, pickled as lookups.
        (_history_statistic, 'builtins.getattr'),
        *((item, '.'.join(name)) for name, item in _ARRAY_NAMES.items()),
    ]


def _history_statistic(owner: type, name: str) -> Callable:
    """Replacement of ``getattr``, which would give access to all of Python."""
    if owner is not HistoryBuffer or name.startswith('_'):
        raise pickle.UnpicklingError(
            f'Unsupported GLOBAL builtins.getattr({owner!r}, {name!r})'
        )
    return getattr(owner, name)
