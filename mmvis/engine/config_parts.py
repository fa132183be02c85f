"""Parts of a config, and what the registries know about them."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

__all__ = [
    'argument_names',
    'find_parts',
    'find_registered',
    'find_types',
    'registered_names',
    'similar_names',
]


def find_parts(value: Any, path: str = '') -> Iterator[tuple[str, dict]]:
    """Find every dict with a type in a config.

    Args:
        value (Any): A config, or a value in it.
        path (str): Dotted path of the value. Defaults to that of a whole config.

    Yields:
        tuple[str, dict]: Dotted path and content, outer parts first.
    """
    items: Iterable[tuple[Any, Any]]
    if isinstance(value, dict):
        if path and 'type' in value:
            yield path, value
        items = value.items()
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    else:
        return
    for key, child in items:
        yield from find_parts(child, f'{path}.{key}' if path else str(key))


def find_types(value: Any, path: str = '') -> Iterator[tuple[str, Any]]:
    """Find the name of every class in a config, with its dotted path."""
    if not path and 'runner_type' in value:
        yield 'runner_type', value['runner_type']
    for name, part in find_parts(value, path):
        yield f'{name}.type', part['type']
        if 'constructor' in part:  # of an optimizer wrapper
            yield f'{name}.constructor', part['constructor']


def find_registered(name: str) -> list[Any]:
    """Find what is registered under a name, of any kind."""
    found = (node.get(name) for node in _registries())
    return [cls for cls in found if cls is not None]


def registered_names(kind: str = '') -> list[str]:
    """Names in the registries of one kind, or of all; of mmvis and its parents."""
    names: list[str] = []
    for node in _registries():
        while node is not None:
            names += node.module_dict if kind in (node.name, '') else ()
            node = node.parent
    return names


def argument_names(part_type: Any) -> list[str]:
    """Names of the arguments that a part takes, those of its base classes too.

    Args:
        part_type (Any): Its ``type`` in a config: a name, or a class itself.
    """
    names: list[str] = []
    for cls in (
        find_registered(part_type) if isinstance(part_type, str) else [part_type]
    ):
        for base in cls.__mro__[:-1] if isinstance(cls, type) else [cls]:
            names += inspect.signature(base).parameters
    return sorted({*names} - {'self', 'args', 'kwargs'})


def similar_names(name: str, known: Sequence[str]) -> str:
    """A question whether a similar name was meant; empty if there is none.

    Example:
        >>> similar_names('gama', ['gamma', 'alpha'])
        ' Did you mean gamma?'
    """
    similar = difflib.get_close_matches(name, sorted(set(known)), n=3)
    return f' Did you mean {" or ".join(similar)}?' if similar else ''


def _registries() -> list[Any]:
    from mmvis import registry  # imports torch, which not every tool needs

    return [getattr(registry, name) for name in registry.__all__]
