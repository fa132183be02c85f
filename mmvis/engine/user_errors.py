"""Mistakes in a config or in data as one readable message; bugs with traceback."""

from __future__ import annotations

import difflib
import linecache
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.config import Config
from mmengine.registry import build_functions

from mmvis import registry

__all__ = ['explain', 'is_user_error', 'user_errors']

_KINDS = (ValueError, TypeError, KeyError, IndexError, OSError, FloatingPointError)


@contextmanager
def user_errors(config: str, cfg: Config | None = None) -> Iterator[None]:
    """End the program with one message where the user can mend what went wrong.

    Args:
        config (str): Path of the config file, named in the message.
        cfg (Config, optional): Its content, to find the field of an unknown type.

    Raises:
        SystemExit: With status 2, after such an error. Other errors pass through.
    """
    try:
        yield
    except (*_KINDS, SyntaxError) as error:
        if not is_user_error(error):
            raise
        print(f'error: {config}: {explain(error, cfg)}', file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from error


def is_user_error(error: BaseException) -> bool:
    """Tell a mistake that somebody wrote a message for from a bug.

    The former are raised by a ``raise`` statement, or are wrong arguments in a
    config, or come from the operating system; the latter come out of any expression.
    """
    if isinstance(error, (OSError, SyntaxError)):
        return True
    frame = traceback.extract_tb(error.__traceback__)[-1]
    if isinstance(error, TypeError) and frame.filename == build_functions.__file__:
        return True
    line = linecache.getline(frame.filename, frame.lineno).strip()
    return isinstance(error, _KINDS) and line.startswith('raise')


def explain(error: BaseException, cfg: Config | None = None) -> str:
    """Message of an error; of an unknown type with its field and similar names."""
    # str() of a KeyError is the repr of its message.
    is_quoted = isinstance(error, KeyError) and error.args
    message = str(error.args[0] if is_quoted else error)
    unknown = re.match(r'(\S+) is not in the \S+?::(.+?) registry', message)
    if unknown is None or cfg is None:
        return message
    name, kind = unknown.groups()
    fields = [path for path, value in _types(cfg.to_dict()) if value == name]
    hints = difflib.get_close_matches(name, _registered(kind), n=3)
    hint = f' Did you mean {" or ".join(hints)}?' if hints else ''
    return (
        f'{" and ".join(fields) or "a type"} is {name!r}, which is no {kind} of '
        f'mmvis, MMDetection or MMEngine.{hint} Own components need an entry in '
        'custom_imports.'
    )


def _types(value: Any, path: str = '') -> Iterator[tuple[str, str]]:
    """Every ``type`` in a config with its dotted path."""
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    else:
        return
    for key, child in items:
        child_path = f'{path}.{key}' if path else str(key)
        if key == 'type':
            yield child_path, child
        else:
            yield from _types(child, child_path)


def _registered(kind: str) -> list[str]:
    """Names in the registries of one kind, of mmvis and its parents."""
    names: list[str] = []
    for attribute in registry.__all__:
        node = getattr(registry, attribute)
        while node is not None and node.name == kind:
            names += node.module_dict
            node = node.parent
    return names
