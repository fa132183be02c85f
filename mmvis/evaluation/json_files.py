"""Ground-truth and results files, however they are packed."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

from mmvis.errors import UserValueError

__all__ = ['RESULTS_NAME', 'parse_json', 'read_json_file']

RESULTS_NAME = 'results.json'
"""The one file in the root of a submission's zip."""


def read_json_file(path: str | Path) -> Any:
    """Read a local json file, see :func:`parse_json`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If :func:`parse_json` cannot read its content.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: there is no such file.')
    return parse_json(path.read_bytes(), str(path))


def parse_json(content: bytes, source: str) -> Any:
    """Parse json, plain, gzipped, or the ``results.json`` of a submission zip.

    The content decides, not the ending of the file's name.

    Args:
        content (bytes): The content of a file.
        source (str): Name of the file, for messages.

    Returns:
        Any: The parsed json.

    Raises:
        ValueError: If it is not json, or a zip without ``results.json`` in its root.
    """
    try:
        return json.loads(_unpack(content, source))
    except UnicodeDecodeError as error:
        raise UserValueError(
            f'{source}: expected json, but this is not UTF-8 text.'
        ) from error
    except json.JSONDecodeError as error:
        raise UserValueError(
            f'{source}: not json: {error.msg} at line {error.lineno}, column '
            f'{error.colno}. Is the file complete?'
        ) from error


def _unpack(content: bytes, source: str) -> bytes:
    if content[:2] == b'\x1f\x8b':
        try:
            return gzip.decompress(content)
        except (EOFError, OSError) as error:
            raise UserValueError(
                f'{source}: the gzip file is damaged: {error}'
            ) from error
    if content[:2] != b'PK':
        return content
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if names != [RESULTS_NAME]:
                raise UserValueError(
                    f'{source}: a submission zip holds exactly "{RESULTS_NAME}" in its '
                    f'root, this one holds {names[:5]}.'
                )
            return archive.read(RESULTS_NAME)
    except zipfile.BadZipFile as error:
        raise UserValueError(f'{source}: the zip file is damaged: {error}') from error
