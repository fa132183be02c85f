"""Reading of text files, plain or compressed."""

from __future__ import annotations

import codecs
import errno
import gzip
import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

from mmengine import fileio

from mmvis.errors import UserValueError
from mmvis.file_kind import check_is_file
from mmvis.structures.json_file import Place, path_at, shorten
from mmvis.terminal import printable

__all__ = ['RESULTS_NAME', 'SEE_FORMAT', 'read_content']

RESULTS_NAME = 'results.json'
"""The one file in the root of a submission's zip."""

SEE_FORMAT = 'The format is that of docs/data_preparation.md, "Your own videos".'

_BLOCK = 1 << 20  # bytes unpacked, or checked, at a time
_MAX_UNPACKED = 1 << 28  # bytes that any packed file may have,
_MAX_RATIO = 100  # and how many times its own size a larger one
_ARCHIVES = {
    b'\x1f\x8b': 'gzip',
    b'PK': 'zip',
    b'BZh': 'bzip2',
    b'\xfd7zXZ': 'xz',
    b'\x28\xb5\x2f\xfd': 'zstd',
    b'7z\xbc\xaf': '7z',
    b'Rar!': 'rar',
}
_ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,  # encrypted
    NotImplementedError,  # a compression that zipfile does not know
    ValueError,
    OverflowError,
)
# Unknown backends and addresses, and backends that cannot look for a file.
_BACKEND_ERRORS = (AssertionError, AttributeError, KeyError, TypeError, ValueError)
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_content(path: str | Path, backend_args: dict | None = None) -> bytes:
    """Read a file and unpack it if it is a gzip file or a submission's zip.

    The content decides, not the ending of the file's name.

    Args:
        path (str | Path): The file, anything that MMEngine's file backends read.
        backend_args (dict | None): Arguments of the file backend.

    Returns:
        bytes: UTF-8 text without byte order mark, not parsed yet.

    Raises:
        OSError: If there is no such file or it cannot be read.
        ValueError: If it is a folder, at an address that is not read, a corrupted or
            encrypted archive, one that expands beyond any use, or no UTF-8 text.
    """
    path = str(path)
    if Path(path).is_dir():
        raise UserValueError(
            f'{path}: expected a json file, but this is a folder. Give the file. '
            f'{SEE_FORMAT}'
        )
    check_is_file(path)
    packed = _read_packed(path, backend_args)
    content = _unpack(packed, path)
    if content is not packed and _archive_kind(content):
        raise UserValueError(
            f'{path}: expected json in the archive, but there is another '
            f'{_archive_kind(content)} file in it. Unpack it once.'
        )
    return _without_mark(content, path)


def _read_packed(path: str, backend_args: dict | None) -> bytes:
    """Read a file through MMEngine, whose backends depend on the start of its path."""
    try:
        if fileio.exists(path, backend_args=backend_args):
            return fileio.get(path, backend_args=backend_args)
    except (ImportError, *_BACKEND_ERRORS) as error:
        raise UserValueError(
            f'{path}: cannot be read from there ({type(error).__name__}: {error}). '
            'Copy it to a local file, or correct `backend_args`.'
        ) from error
    raise FileNotFoundError(errno.ENOENT, 'There is no such file. Check its path', path)


def _archive_kind(content: bytes) -> str:
    """Name of the archive format of a file; empty if it is in none."""
    return next((k for mark, k in _ARCHIVES.items() if content.startswith(mark)), '')


def _unpack(content: bytes, source: str) -> bytes:
    kind = _archive_kind(content)
    if not kind:
        return content
    if kind not in ('gzip', 'zip'):
        raise UserValueError(
            f'{source}: expected json, but this is a {kind} file. Unpack it, or pack '
            'it with gzip or zip.'
        )
    try:
        if kind == 'gzip':
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
                return _read_bounded(file, len(content), source)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if archive.namelist() != [RESULTS_NAME]:
                raise UserValueError(
                    f'{source}: a submission zip holds exactly "{RESULTS_NAME}" in its '
                    f'root, this one holds {shorten(archive.namelist())}.'
                )
            with archive.open(RESULTS_NAME) as file:
                return _read_bounded(file, len(content), source)
    except UserValueError:
        raise
    except _ARCHIVE_ERRORS as error:
        raise UserValueError(
            f'{source}: the {kind} file is corrupted, encrypted or in a format that is '
            f'not supported: {printable(str(error))}. Pack it again, without a '
            'password.'
        ) from error


def _read_bounded(file: Any, num_packed: int, source: str) -> bytes:
    """Unpack a file unless it expands without bound."""
    most = max(_MAX_UNPACKED, _MAX_RATIO * num_packed)
    content = bytearray()
    while block := file.read(_BLOCK):
        content += block
        if len(content) > most:
            raise UserValueError(
                f'{source}: the archive of {num_packed} bytes expands to more than '
                f'{most} bytes, which no annotations do. Give the json unpacked.'
            )
    return bytes(content)


def _without_mark(content: bytes, source: str) -> bytes:
    """Check that content is UTF-8 text and drop a byte order mark."""
    if content.startswith(_UTF16_MARKS) or b'\0' in content[:4]:
        raise UserValueError(
            f'{source}: expected JSON in UTF-8, but this is UTF-16 text or binary. '
            'Save it as UTF-8.'
        )
    content = content.removeprefix(codecs.BOM_UTF8)
    if content.isascii():
        return content
    decoder = codecs.getincrementaldecoder('utf-8')()
    for start in range(0, len(content), _BLOCK):
        end = start + _BLOCK
        try:
            decoder.decode(content[start:end], final=end >= len(content))
        except UnicodeDecodeError as error:
            place = Place(source, path_at(content, start + error.start))
            raise place.error(
                'expected JSON in UTF-8, but this is text in another encoding or '
                f'binary (near byte {start + error.start}). Save it as UTF-8.'
            ) from error
    return content
