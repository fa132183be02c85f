"""Peak memory of a piece of work."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from mmvis.allocator import return_freed_memory

__all__ = ['PeakMemory', 'held_memory']

MEGABYTE = 2**20
_STATUS = Path('/proc/self/status')
# Writing 5 sets the peak of the process (VmHWM) to what it holds, see proc(5).
_CLEAR = Path('/proc/self/clear_refs')


class PeakMemory:
    """The peak since this object was made.

    On a GPU it is the memory that torch allocates, else the resident memory of the
    process; memory that was freed before goes back to the system first.

    Args:
        device (str): E.g. 'cpu' or 'cuda:1'.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._start: float | None
        if self._is_gpu:
            torch.cuda.synchronize(device)
            torch.cuda.reset_peak_memory_stats(device)
            self._start = torch.cuda.memory_allocated(device) / MEGABYTE
        else:
            return_freed_memory()
            self._start = _reset_resident_peak()

    @property
    def _is_gpu(self) -> bool:
        return self._device.startswith('cuda')

    def above_start(self) -> float | None:
        """The peak in MB above what was held at the start.

        Returns:
            float | None: None if the system does not tell.
        """
        if self._start is None:
            return None
        if self._is_gpu:
            peak = torch.cuda.max_memory_allocated(self._device) / MEGABYTE
        else:
            peak = _resident('VmHWM')
        return peak - self._start


def held_memory(device: str) -> float | None:
    """What is held now, in MB, as :class:`PeakMemory` counts it.

    Args:
        device (str): E.g. 'cpu' or 'cuda:1'.

    Returns:
        float | None: None if the system does not tell.
    """
    if device.startswith('cuda'):
        return torch.cuda.memory_allocated(device) / MEGABYTE
    try:
        return _resident('VmRSS')
    except OSError:
        return None


def _reset_resident_peak() -> float | None:
    try:
        _CLEAR.write_text('5')
        return _resident('VmRSS')
    except (OSError, AttributeError):
        return None


def _resident(field: str) -> float:
    """A line of the process's status, in MB."""
    (kilobytes,) = re.findall(rf'^{field}:\s+(\d+) kB', _STATUS.read_text(), re.M)
    return int(kilobytes) / 1024
