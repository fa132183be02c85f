"""Counts of what a GPU would have to send to the host, measured on any device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

__all__ = ['DeviceTensor', 'HostTransfers', 'count_host_transfers']

#: Methods that give their result to the host: it waits for all work before them.
TO_HOST = (
    '__array__', '__bool__', '__contains__', '__float__', '__index__', '__int__',
    'cpu', 'item', 'numpy', 'tolist',
)  # fmt: skip
#: Functions whose result has a shape that the host must know.
WITH_UNKNOWN_SHAPE = (
    'argwhere', 'masked_select', 'nonzero', 'unique', 'unique_consecutive',
)  # fmt: skip
#: Functions that compare everything, and give a bool to the host.
COMPARISONS = ('allclose', 'equal')


class HostTransfers(Counter[str]):
    """Transfers by name; 'index' is indexing by a mask.

    Attributes:
        num_bytes (int): What they transferred. Of a function whose result has an
            unknown shape it is the number of elements, which is what the host asks.
    """

    num_bytes = 0


_counter: HostTransfers | None = None


class DeviceTensor(Tensor):
    """A tensor that stands for one on a GPU, wherever its memory is.

    What is computed from it is a :class:`DeviceTensor` again, until it is copied to
    the host: then it is a plain tensor, and the copy is counted. What torch reads
    itself, as the bounds of a slice, is not.
    """

    @classmethod
    def __torch_function__(
        cls,
        func: Callable,
        types: tuple[type, ...],
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> Any:
        """Count a call that the host waits for, and run it."""
        kwargs = kwargs or {}
        kind = _transfer(func, args, kwargs)
        result = super().__torch_function__(func, types, args, kwargs)
        if kind is not None and _counter is not None:
            _counter[kind] += 1
            _counter.num_bytes += _bytes(kind, args[0])
        if kind in ('cpu', 'to') and isinstance(result, Tensor):
            return result.as_subclass(Tensor)
        return result


@contextmanager
def count_host_transfers() -> Iterator[HostTransfers]:
    """Count transfers of every :class:`DeviceTensor` in the body.

    Yields:
        HostTransfers: Calls by name, and their bytes.

    Example:
        >>> frames = torch.rand(4, 3).as_subclass(DeviceTensor)
        >>> with count_host_transfers() as transfers:
        ...     bright = frames[frames > 0.5].sum().item()
        >>> dict(transfers)
        {'index': 1, 'item': 1}
        >>> transfers.num_bytes  # how many there are, and a float
        12
    """
    global _counter
    outer, _counter = _counter, HostTransfers()
    try:
        yield _counter
    finally:
        _counter = outer


def _transfer(func: Callable, args: tuple, kwargs: dict) -> str | None:
    """Name of a transfer; None for what stays on the device."""
    name = getattr(func, '__name__', '')
    if name in TO_HOST + WITH_UNKNOWN_SHAPE + COMPARISONS:
        return name
    if name in ('__getitem__', '__setitem__') and _is_by_mask(args[1]):
        return 'index'
    if name == 'where' and len(args) == 1:
        return 'nonzero'
    if name == 'to':
        target = kwargs.get('device', args[1] if len(args) > 1 else None)
        is_cpu = isinstance(target, (str, torch.device)) and str(target) == 'cpu'
        return 'to' if is_cpu else None
    return None


def _bytes(kind: str, tensor: Tensor) -> int:
    if kind in (*WITH_UNKNOWN_SHAPE, 'index'):
        return torch.int64.itemsize
    if kind in COMPARISONS:
        return torch.bool.itemsize
    return tensor.numel() * tensor.element_size()


def _is_by_mask(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return any(
        isinstance(p, Tensor) and p.dtype is torch.bool and p.dim() for p in parts
    )
