"""Atomic file writing."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmvis.errors import UserValueError
from mmvis.file_kind import check_is_file

__all__ = ['atomic_file', 'check_empty_folder', 'check_output']

# Folders whose leftovers of killed runs this process has removed.
_clean_folders: set[Path] = set()


@contextmanager
def atomic_file(path: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary file to write to, and move it to its place if all goes well.

    A reader never sees half a file; what was there before stays if writing fails.
    The temporary file has an unpredictable name, is locked while it is written, and
    private until it is complete. Temporary files of killed runs are removed the first
    time that a process writes to their folder.

    Args:
        path (str | os.PathLike): The file; replaced if it exists. Its folder is made.

    Yields:
        Path: The temporary file, in the same folder and with the same ending.

    Raises:
        OSError: If the file cannot be written, e.g. because the disk is full; it
            names ``path``.
        ValueError: If a folder, a device or the like is in its place.
    """
    path = Path(path)
    check_is_file(path)
    partial: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path.parent.resolve())
        descriptor, partial = _locked_temporary_file(path)
        try:
            yield partial
            partial.chmod(_mode_of(path))
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
            os.close(descriptor)
    except OSError as error:
        is_about_path = error.filename in (None, str(partial))
        if error.errno is None or not is_about_path:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def check_empty_folder(folder: Path) -> None:
    """Check that what is written into a folder mixes with nothing else.

    Args:
        folder (Path): Must be empty or new.

    Raises:
        ValueError: If there are files in it.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise UserValueError(
            f'{folder} has files already. Remove them, or choose another folder.'
        )


def check_output(path: str | os.PathLike, *inputs: str | os.PathLike | None) -> None:
    """Check, before the work begins, where its result is to be written.

    Args:
        path (str | os.PathLike): The output file.
        *inputs (str | os.PathLike | None): Files that must stay as they are.

    Raises:
        ValueError: If the output is one of the inputs, by whatever name, or if a
            folder, a device or the like is in its place.
    """
    check_is_file(path)
    for given in inputs:
        if given is None or not os.path.exists(path) or not os.path.exists(given):
            continue
        if os.path.samefile(path, given):
            raise UserValueError(
                f'The output {path} is the same file as the input {given}, which would '
                'be lost. Choose another output.'
            )


def _locked_temporary_file(path: Path) -> tuple[int, Path]:
    """Make a file that only this user can read; its lock says that it is in use."""
    while True:
        # Names have at most 255 bytes, of which a stem may take all.
        descriptor, name = tempfile.mkstemp(
            dir=path.parent,
            prefix=f'.{path.stem[:40]}.',
            suffix=f'.partial{path.suffix[:40]}',
        )
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor, Path(name)
        # Another process took it for a leftover before it was locked.
        os.close(descriptor)


def _mode_of(path: Path) -> int:
    """Mode of the file that is replaced, or that of any new file."""
    if path.is_file():
        return path.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _remove_leftovers(folder: Path) -> None:
    """Remove temporary files that no process is writing."""
    if folder in _clean_folders:
        return
    _clean_folders.add(folder)
    for leftover in folder.glob('.*.partial*'):
        try:
            descriptor = os.open(leftover, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue  # a link, another user's, or gone
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            leftover.unlink(missing_ok=True)
        except OSError:
            pass  # locked: another process is writing it
        finally:
            os.close(descriptor)
