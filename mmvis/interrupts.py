"""Ctrl-C while something is written."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ['hold_interrupts']


@contextmanager
def hold_interrupts() -> Iterator[None]:
    """Let Ctrl-C wait until the body is done, so that what it writes is whole.

    Elsewhere than in the main thread, which alone gets signals, it does nothing.
    """
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield
        return
    arrived: list[tuple] = []
    signal.signal(signal.SIGINT, lambda *args: arrived.append(args))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if arrived:
        usual(*arrived[0])
