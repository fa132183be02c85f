"""Unpickling of plain data.

A pickle can call any function. These two ways let it make containers, numbers,
arrays and tensors, and refuse everything else before it is made.
"""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

__all__ = ['load_arrays', 'load_torch']

# What a pickled dictionary of NumPy arrays refers to, and nothing else.
_ARRAY_NAMES = {
    ('collections', 'OrderedDict'),
    ('_codecs', 'encode'),
    ('numpy', 'ndarray'),
    ('numpy', 'dtype'),
    ('numpy.core.multiarray', '_reconstruct'),
    ('numpy._core.multiarray', '_reconstruct'),
    ('numpy.core.multiarray', 'scalar'),
    ('numpy._core.multiarray', 'scalar'),
}


def load_arrays(file: BinaryIO) -> Any:
    """Unpickle containers, numbers and NumPy arrays, as Detectron2 writes them.

    Args:
        file (BinaryIO): Open for reading.

    Returns:
        Any: What the file holds.

    Raises:
        pickle.UnpicklingError: If it refers to anything else.
    """
    return _ArrayUnpickler(file, encoding='latin1').load()


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
        return torch.load(file, map_location=map_location, weights_only=True)


class _ArrayUnpickler(pickle._Unpickler):
    # Written in Python: the one in C takes any memory that a memo index asks for.

    def find_class(self, module: str, name: str) -> type:
        if (module, name) not in _ARRAY_NAMES:
            raise pickle.UnpicklingError(f'Unsupported GLOBAL {module}.{name}')
        return super().find_class(module, name)


def _data_types() -> list:
    """Types beside tensors in MMEngine's checkpoints: numbers and log histories."""
    multiarray = np.core.multiarray if np.__version__ < '2' else np._core.multiarray
    kinds = (np.bool_, np.int32, np.int64, np.uint32, np.uint64, np.float32, np.float64)
    return [
        argparse.Namespace,  # DETR and VisTR save their command line
        np.dtype,
        np.ndarray,
        multiarray._reconstruct,
        multiarray.scalar,
        *(type(np.dtype(kind)) for kind in kinds),
        slice,
        HistoryBuffer,
        # Log histories hold their own statistics functions, pickled as lookups.
        (_history_statistic, 'builtins.getattr'),
    ]


def _history_statistic(owner: type, name: str) -> Callable:
    """Replacement of ``getattr``, which would give access to all of Python."""
    if owner is not HistoryBuffer or name.startswith('_'):
        raise pickle.UnpicklingError(
            f'Unsupported GLOBAL builtins.getattr({owner!r}, {name!r})'
        )
    return getattr(owner, name)
