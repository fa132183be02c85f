"""Values of a config that are named once and used in several places."""

from __future__ import annotations

import re
from typing import Any

from mmengine.config import Config, ConfigDict

from mmvis.engine.config_parts import similar_names
from mmvis.errors import UserKeyError, UserValueError

__all__ = ['resolve_references']

_REFERENCE = re.compile(r'\$([A-Za-z_]\w*)((?:\.\w+)*)')


def resolve_references(cfg: Config) -> None:
    """Replace each text ``'$name'`` by the value of ``name`` at the top of the config.

    A variable of a config file is used when the file is read, so that another value in
    a file on top of it, or on the command line, comes too late. A reference is replaced
    after all of these. ``'$name.0'`` and ``'$name.key'`` are parts of the value.

    Args:
        cfg (Config): Changed in place.

    Raises:
        KeyError: If a name or a part is missing; the message has the key of the
            reference.
        ValueError: If references form a circle.

    Example:
        >>> cfg = Config(dict(size=(256, 144), resize=dict(scale='$size')))
        >>> resolve_references(cfg)
        >>> cfg.resize.scale
        (256, 144)
    """
    content = cfg.to_dict()
    resolved = ConfigDict(_resolve(content, content))
    for key, value in resolved.items():
        cfg[key] = value


def _resolve(value: Any, content: dict, path: str = '', chain: tuple = ()) -> Any:
    """A copy of a value without references; ``chain`` are those that led to it."""
    if isinstance(value, dict):
        return {
            key: _resolve(child, content, f'{path}.{key}' if path else key, chain)
            for key, child in value.items()
        }
    if isinstance(value, (list, tuple)):
        children = [
            _resolve(child, content, f'{path}.{i}', chain)
            for i, child in enumerate(value)
        ]
        return type(value)(children)
    match = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    if value in chain:
        raise UserValueError(
            f'`{path}` leads back to itself: {" -> ".join([*chain, value])}.'
        )
    found: Any = content
    for part in [match[1], *match[2].split('.')[1:]]:
        found = _part_of(found, part, value, path)
    return _resolve(found, content, path, (*chain, value))


def _part_of(value: Any, part: str, reference: str, path: str) -> Any:
    if isinstance(value, dict) and part in value:
        return value[part]
    is_index = isinstance(value, (list, tuple)) and part.isdigit()
    if is_index and int(part) < len(value):
        return value[int(part)]
    hint = similar_names(part, list(value)) if isinstance(value, dict) else ''
    raise UserKeyError(
        f'`{path}` is {reference!r}, but the config has no such value: {part!r} is '
        f'missing.{hint}'
    )
