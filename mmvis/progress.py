"""How far long work is: a bar on a terminal, a few lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType

from tqdm import tqdm

__all__ = ['Progress']

_MAX_LINES = 10


class Progress:
    """What is done of some work.

    Args:
        name (str): What is done, one word.
        total (int): Number of units.
        unit (str): What is counted, singular.
        done (int): Units that were done before. Defaults to 0.
        interval (int, optional): Units from line to line. Defaults to a number that
            makes ten lines.
        has_bar (bool, optional): Whether to draw a bar on stderr. Defaults to whether
            it is a terminal.
        write (Callable, optional): Takes each line. Defaults to printing to stderr.
    """

    def __init__(
        self,
        name: str,
        total: int,
        unit: str,
        *,
        done: int = 0,
        interval: int | None = None,
        has_bar: bool | None = None,
        write: Callable[[str], None] | None = None,
    ) -> None:
        self.name = name
        self.total = total
        self.unit = unit
        self.interval = interval or max(1, -(-total // _MAX_LINES))
        self.write = write or _print_line
        self._first = self._done = done
        self._begin = time.monotonic()
        self._bar = None
        if sys.stderr.isatty() if has_bar is None else has_bar:
            self._bar = tqdm(
                desc=name,
                total=total,
                initial=done,
                unit=f' {unit}s',
                file=sys.stderr,
                dynamic_ncols=True,
                smoothing=0.05,
                leave=name != 'validation',
            )

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def set_total(self, total: int) -> None:
        """Change the number of units."""
        self.total = total
        if self._bar is not None:
            self._bar.total = total

    def advance(
        self, num_units: int = 1, numbers: dict[str, str] | None = None
    ) -> None:
        """Count what was done, and show it with some numbers."""
        before, self._done = self._done, self._done + num_units
        if self._bar is not None:
            self._bar.set_postfix(numbers or {}, refresh=False)
            self._bar.update(num_units)
            if self._done == self.total:
                self.close()
        elif (
            self._done // self.interval > before // self.interval
            or self._done == self.total
        ):
            self.write(self._line(numbers or {}))

    def close(self) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.close()

    def _line(self, numbers: dict[str, str]) -> str:
        elapsed = time.monotonic() - self._begin
        per_unit = elapsed / max(self._done - self._first, 1)
        left = timedelta(seconds=round(per_unit * (self.total - self._done)))
        parts = [
            f'{self.name} {self._done}/{self.total} {self.unit}s',
            *(f'{name} {value}' for name, value in numbers.items()),
            f'{per_unit:.2f} s/{self.unit}',
            f'ETA {left}',
        ]
        return ', '.join(parts)


def _print_line(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201 - stdout is for results
