"""Unique names of output files."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

__all__ = ['OutputFiles', 'safe_name']

# File systems take names of 255 bytes; endings and numbers need some of them.
_MAX_NAME_BYTES = 200


def safe_name(name: str) -> str:
    """Make a name valid on every file system and terminal.

    Args:
        name (str): Stem of a file of any encoding, part of a URL, ...

    Returns:
        str: Without control characters, separators, leading dots and bytes that are
        no UTF-8; at most 200 bytes; 'video' if nothing is left.

    Example:
        >>> safe_name('..'), safe_name('a/b?c'), safe_name('.hidden')
        ('video', 'a_b_c', 'hidden')
    """
    text = os.fsencode(name).decode('utf-8', errors='replace')
    text = ''.join(c if c.isprintable() else '_' for c in text)
    text = re.sub(r'[/\\:*?"<>|\ufffd]', '_', text).strip(' .')
    encoded = text.encode('utf-8')[:_MAX_NAME_BYTES]
    return encoded.decode('utf-8', errors='ignore').strip(' .') or 'video'


class OutputFiles:
    """Files of one video, created before inference, so that no name is used twice.

    All begin with the same stem. Where one of them exists already, the stem gets a
    number: ``dog-2``. So nothing is ever overwritten, not even by another process.

    Args:
        out_dir (str | os.PathLike): Their folder, which is made.
        name (str): Name of the video.
        endings (Mapping[str, str]): What follows the stem, by format: '.mp4', or
            '_masks/' for a folder.

    Attributes:
        stem (str): What all of the names begin with.
        paths (dict[str, Path]): The files and folders by format.

    Raises:
        OSError: If the folder cannot be written to.
    """

    def __init__(
        self, out_dir: str | os.PathLike, name: str, endings: Mapping[str, str]
    ) -> None:
        out_dir = Path(out_dir)
        out_dir.mkdir(parents=True, exist_ok=True)
        self.paths: dict[str, Path] = {}
        first_stem = self.stem = safe_name(name)
        number = 1
        while not self._claim(out_dir, endings):
            number += 1
            self.stem = f'{first_stem}-{number}'

    def release(self) -> None:
        """Remove the files that were not written; the others stay."""
        for path in self.paths.values():
            with contextlib.suppress(OSError):
                if path.is_dir():
                    path.rmdir()  # fails, as it should, if there is something in it
                elif path.stat().st_size == 0:
                    path.unlink()

    def _claim(self, out_dir: Path, endings: Mapping[str, str]) -> bool:
        """Make all files, or none where one of them exists."""
        names = {key: f'{self.stem}{ending}' for key, ending in endings.items()}
        self.paths = {}
        try:
            for key, name in names.items():
                path = out_dir / name
                if name.endswith('/'):
                    path.mkdir()
                else:
                    path.open('x').close()
                self.paths[key] = path
        except FileExistsError:
            self.release()
            return False
        return True
