"""What a file is that is not what it should be."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mmvis.errors import UserValueError

__all__ = ['check_is_file', 'describe_content']

_KINDS = {
    stat.S_IFBLK: 'a device',
    stat.S_IFCHR: 'a device',
    stat.S_IFDIR: 'a folder',
    stat.S_IFIFO: 'a named pipe',
    stat.S_IFSOCK: 'a socket',
}
_STARTS = {
    b'version https://git-lfs': 'a pointer of Git LFS; `git lfs pull` gets the file',
    b'<!doctype html': 'a web page, e.g. one to log in; download the file itself',
    b'<html': 'a web page, e.g. one to log in; download the file itself',
    b'\x1f\x8b': 'packed with gzip; unpack it',
    b'bzh': 'packed with bzip2; unpack it',
    b'\xfd7zxz': 'packed with xz; unpack it',
    b'\x28\xb5\x2f\xfd': 'packed with zstd; unpack it',
    b'7z\xbc\xaf': 'packed with 7z; unpack it',
    b'rar!': 'packed with rar; unpack it',
    b'\x89hdf': 'an HDF5 file',
    b'\x93numpy': 'an array of NumPy',
    b'%pdf': 'a PDF file',
    b'\x89png': 'a PNG image',
    b'\xff\xd8\xff': 'a JPEG image',
    b'gif8': 'a GIF image',
}
_LONGEST = max(map(len, _STARTS))


def check_is_file(path: str | os.PathLike) -> None:
    """Refuse what is there but no file; reading it may never end.

    Args:
        path (str | os.PathLike): Of the file system. One that does not exist passes.

    Raises:
        ValueError: If it is a folder, a device, a named pipe or a socket.
    """
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), 'something else')
        raise UserValueError(f'{path} is {kind}, expected a file. Give a file.')


def describe_content(start: bytes) -> str:
    """Describe a file by how it starts.

    Args:
        start (bytes): Its first bytes, or all.

    Returns:
        str: A sentence that starts with a space; empty for an unknown kind.

    Example:
        >>> describe_content(b'%PDF-1.4')
        ' The file is a PDF file.'
    """
    if not start:
        return ' The file is empty.'
    lower = start[: _LONGEST + 99].lstrip().lower()
    kind = next((k for mark, k in _STARTS.items() if lower.startswith(mark)), '')
    return f' The file is {kind}.' if kind else ''
