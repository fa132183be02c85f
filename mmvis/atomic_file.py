"""Files that are there as a whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ['atomic_file']


@contextmanager
def atomic_file(path: str | os.PathLike) -> Iterator[Path]:
    """Give a place beside a file to write to, and move it there if all goes well.

    A reader never sees half a file; what was there before stays if writing fails.

    Args:
        path (str | os.PathLike): The file; replaced if it exists. Its folder is made.

    Yields:
        Path: The place, in the same folder and with the same ending.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'.{path.stem}.{os.getpid()}.partial{path.suffix}')
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
