"""Resumable downloads with checksums."""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mmengine.logging import print_log
from tqdm import tqdm

from mmvis.errors import UserValueError

__all__ = ['RemoteFile', 'check_sha256', 'fetch_file', 'file_sha256']

_BLOCK = 1 << 20  # bytes that are read at once
_TIMEOUT = 30  # seconds without any byte
_MAX_ATTEMPTS = 5
_DRIVE = 'https://drive.google.com/uc?id='


@dataclass(frozen=True)
class RemoteFile:
    """A file on the web.

    Attributes:
        url (str): Its address, http(s), also of Google Drive
            (``https://drive.google.com/uc?id=ID``).
        sha256 (str): Hash of the content, or its first digits as far as the publisher
            states them; '' if none is stated.
    """

    url: str
    sha256: str = ''

    @property
    def is_on_drive(self) -> bool:
        """Whether Google Drive has it, which asks before it sends large files."""
        return self.url.startswith(_DRIVE)


def fetch_file(remote: RemoteFile, path: Path) -> Path:
    """Download a file unless it is there, and check it.

    What an interrupted download left is continued. Of several processes one downloads
    while the others wait. A file that is put at ``path`` by hand is checked and used.

    Args:
        remote (RemoteFile): The file on the web.
        path (Path): Its place on disk.

    Returns:
        Path: ``path``.

    Raises:
        OSError: If it cannot be downloaded; the message says how to do it by hand.
        UserValueError: If its hash is another one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _lock(path):
        if not path.is_file():
            _download(remote, path)
        elif remote.sha256:
            check_sha256(path, remote.sha256)
    return path


def check_sha256(path: Path, expected: str) -> None:
    """Compare the first digits of a file's hash.

    Args:
        path (Path): The file.
        expected (str): Hexadecimal digits that its SHA-256 must begin with.

    Raises:
        UserValueError: If it does not.
    """
    actual = file_sha256(path)
    if not actual.startswith(expected.lower()):
        raise UserValueError(
            f'{path} has the SHA-256 {actual}, expected one that begins with '
            f'{expected}. It is corrupted or another file: remove it and try again.'
        )


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits; the file is not held in memory."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Let one process at a time work on a file."""
    with path.with_name(f'.{path.name}.lock').open('w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _download(remote: RemoteFile, path: Path) -> None:
    part = path.with_name(f'.{path.name}.part')
    try:
        if remote.is_on_drive:
            _download_from_drive(remote, part)
        else:
            _download_from_web(remote, part)
    except (OSError, http.client.HTTPException) as error:
        raise OSError(_by_hand(remote, path, error)) from error
    _refuse_page(remote, part)
    if remote.sha256:
        try:
            check_sha256(part, remote.sha256)
        except UserValueError:
            part.unlink()  # continuing it would not make it right
            raise
    part.replace(path)


def _by_hand(remote: RemoteFile, path: Path, error: Exception) -> str:
    is_answer = isinstance(error, urllib.error.HTTPError)  # with its number
    reason = error if is_answer else getattr(error, 'reason', None) or error
    return (
        f'{remote.url} cannot be downloaded: {reason}. Without a network, download it '
        f'elsewhere and put it at {path}; then try again.'
    )


def _download_from_drive(remote: RemoteFile, part: Path) -> None:
    try:
        import gdown
    except ImportError:
        raise OSError(
            "Google Drive needs the package gdown (pip install 'mmvis[zoo]')"
        ) from None
    try:
        done = gdown.download(remote.url, str(part), resume=True)
    except Exception as error:  # gdown has no common class for its errors
        raise OSError(f'gdown failed: {error}') from error
    if done is None:
        raise OSError('gdown could not get it')


def _download_from_web(remote: RemoteFile, part: Path) -> None:
    """Download to ``part``, resuming after each interruption."""
    for attempt in range(1, _MAX_ATTEMPTS + 1):
        try:
            _continue(remote.url, part)
            return
        except urllib.error.HTTPError:
            raise
        except (OSError, http.client.HTTPException) as error:
            no_network = isinstance(getattr(error, 'reason', None), socket.gaierror)
            if no_network or attempt == _MAX_ATTEMPTS:
                raise
            print_log(
                f'{remote.url} was interrupted ({error}); it is continued, attempt '
                f'{attempt + 1} of {_MAX_ATTEMPTS}.',
                logger='current',
            )
            time.sleep(0.1 * attempt)


def _continue(url: str, part: Path) -> None:
    """Download what is missing from ``part``.

    Raises:
        OSError: If the connection fails or ends too early.
    """
    start = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={'User-Agent': 'mmvis'})
    if start:
        request.add_header('Range', f'bytes={start}-')
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing is missing
        raise
    with response:
        is_continued = response.status == http.client.PARTIAL_CONTENT
        _save(response, part, start if is_continued else 0, Path(url).name)


def _save(
    response: http.client.HTTPResponse, part: Path, start: int, name: str
) -> None:
    length = response.headers.get('Content-Length')
    total = None if length is None else start + int(length)
    size_text = 'unknown size' if total is None else f'{total / 1e6:.0f} MB'
    print_log(f'downloading {name}, {size_text}', logger='current')
    bar = tqdm(
        total=total,
        initial=start,
        unit='B',
        unit_scale=True,
        desc=name,
        disable=None,  # where stderr is no terminal
    )
    with bar, part.open('ab' if start else 'wb') as file:
        while block := response.read(_BLOCK):
            file.write(block)
            bar.update(len(block))
    size = part.stat().st_size
    if total is not None and size < total:
        raise OSError(f'the connection ended after {size} of {total} bytes')


def _refuse_page(remote: RemoteFile, part: Path) -> None:
    """Refuse a web page, which servers send instead of a missing file."""
    with part.open('rb') as file:
        beginning = file.read(512).lstrip().lower()
    if beginning.startswith((b'<!doctype html', b'<html')):
        part.unlink()
        raise UserValueError(
            f'{remote.url} gave a web page, not the file. Open the address in a '
            'browser: it may ask for consent, or have moved.'
        )
