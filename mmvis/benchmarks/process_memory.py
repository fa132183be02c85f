"""Memory of a process and of all that it started (Linux)."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Event, Thread

__all__ = ['MemorySampler', 'tree_memory']


def tree_memory(pid: int) -> int:
    """Add up the memory of a process and its descendants.

    Pages that processes share are counted once (proportional set size).

    Args:
        pid (int): The process.

    Returns:
        int: Bytes; 0 if the process is gone.
    """
    return sum(_proportional_set_size(p) for p in _descendants(pid))


def _descendants(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for task in Path(f'/proc/{parent}/task').glob('*/children'):
            found += [int(child) for child in _read(task).split()]
    return found


def _proportional_set_size(pid: int) -> int:
    for line in _read(Path(f'/proc/{pid}/smaps_rollup')).splitlines():
        if line.startswith('Pss:'):
            return int(line.split()[1]) * 1024
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ''  # the process has ended in the meantime


class MemorySampler(Thread):
    """Sample the memory of a process tree until it is stopped.

    Args:
        pid (int): The process at the root.
        interval (float): Seconds between samples. Defaults to 0.2.
    """

    def __init__(self, pid: int, interval: float = 0.2) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.interval = interval
        self.samples: list[tuple[float, int]] = []  # (monotonic seconds, bytes)
        self._stopped = Event()

    def run(self) -> None:
        """Sample, see :class:`threading.Thread`."""
        while not self._stopped.wait(self.interval):
            self.samples.append((time.monotonic(), tree_memory(self.pid)))

    def stop(self) -> None:
        """End the sampling and wait for it."""
        self._stopped.set()
        self.join()
