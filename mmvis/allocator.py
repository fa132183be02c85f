"""What the C library does with memory that is freed."""

from __future__ import annotations

import ctypes
import os
import platform
from functools import cache

__all__ = ['keep_freed_memory', 'return_freed_memory']

_MEBIBYTE = 2**20
# Of malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
# As large as the C library itself lets the first grow. Larger tensors go back to the
# system: kept, they would leave gaps that nothing fits into.
_LARGEST_KEPT = 32 * _MEBIBYTE
_MOST_KEPT = 256 * _MEBIBYTE
# With these a user has decided.
_VARIABLES = ('GLIBC_TUNABLES', 'MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_')


@cache
def keep_freed_memory() -> None:
    """Keep freed memory for the next tensors of this process, up to 256 MiB.

    By default the GNU C library gives the map of one layer back to the system and takes
    the next one from there, page by page, each cleared again: up to a fifth of the time
    of a network on a CPU. Does nothing with other C libraries, and where variables
    of the environment set it.
    """
    library = _gnu_library()
    if library is None or any(name in os.environ for name in _VARIABLES):
        return
    library.mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT)
    library.mallopt(_TRIM_THRESHOLD, _MOST_KEPT)


def return_freed_memory() -> None:
    """Give freed memory back to the system, so that it can be seen what is in use."""
    library = _gnu_library()
    if library is not None:
        library.malloc_trim(0)


def _gnu_library() -> ctypes.CDLL | None:
    is_gnu = platform.system() == 'Linux' and platform.libc_ver()[0] == 'glibc'
    return ctypes.CDLL(None) if is_gnu else None
