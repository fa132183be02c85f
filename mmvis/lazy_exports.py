"""Lazy imports of the names of a package."""

from __future__ import annotations

import ast
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ['lazy_exports']


def lazy_exports(package: str, file: str) -> tuple[Callable[[str], Any], list[str]]:
    """Make ``__getattr__`` (PEP 562) and ``__all__`` of a package from its stub.

    Reading annotations then does not import torch because another module needs it. The
    stub ``__init__.pyi`` imports every name that the package exports, so that type
    checkers and editors know them, too.

    Args:
        package (str): Name of the package.
        file (str): Its ``__init__.py``.

    Returns:
        tuple[Callable, list[str]]: A function that gives the value of a name, and all
        names.
    """
    stub = ast.parse(Path(file).with_suffix('.pyi').read_text(encoding='utf-8'))
    places = {
        name.name: statement.module
        for statement in stub.body
        if isinstance(statement, ast.ImportFrom) and statement.module
        for name in statement.names
    }

    def get(name: str) -> Any:
        if name not in places:
            raise AttributeError(f'module {package!r} has no attribute {name!r}')
        return getattr(import_module(places[name]), name)

    return get, sorted(places)
