"""Lazy imports of the names of a package."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

__all__ = ['lazy_exports']


def lazy_exports(
    package: str, modules: Mapping[str, Sequence[str]]
) -> Callable[[str], Any]:
    """Make the ``__getattr__`` of a package (PEP 562).

    Reading annotations then does not import torch because another module needs it.

    Args:
        package (str): Name of the package.
        modules (Mapping[str, Sequence[str]]): Module in the package -> its names that
            the package exports.

    Returns:
        Callable: Gives the value of a name.
    """
    places = {name: module for module, names in modules.items() for name in names}

    def get(name: str) -> Any:
        if name not in places:
            raise AttributeError(f'module {package!r} has no attribute {name!r}')
        return getattr(import_module(f'{package}.{places[name]}'), name)

    return get
