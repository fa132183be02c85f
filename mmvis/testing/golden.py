"""Outputs of the original implementations that the tests compare with."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

__all__ = ['find_golden', 'load_pseudo']

_REPO = Path(__file__).resolve().parents[2]
_ROOTS = (_REPO / 'tests' / 'data' / 'golden', _REPO.parent / 'shared' / 'golden')


def find_golden(name: str) -> Path | None:
    """Find a golden file in the repository, or in the full set beside it.

    Args:
        name (str): Path below ``golden``, e.g. 'ifc/loss_r50_t5.npz'.

    Returns:
        Path | None: None where the file is in neither.
    """
    paths = (root / name for root in _ROOTS)
    return next((path for path in paths if path.is_file()), None)


def load_pseudo() -> ModuleType:
    """Import ``golden/pseudo.py``, which draws the stand-in weights and clips."""
    spec = importlib.util.spec_from_file_location('pseudo', find_golden('pseudo.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
