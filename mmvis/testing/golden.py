"""Golden files: outputs of the original implementations."""

from __future__ import annotations

from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

__all__ = ['find_golden', 'load_pseudo']

_GOLDEN = Path(__file__).resolve().parents[2] / 'tests' / 'data' / 'golden'


def find_golden(name: str) -> Path:
    """Find a golden file of the repository.

    Args:
        name (str): Path below ``tests/data/golden``, e.g. 'ifc/loss_r50_t5.npz'.

    Returns:
        Path: The file.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    path = _GOLDEN / name
    if not path.is_file():
        raise FileNotFoundError(
            f'The golden file {path} is missing. It belongs to the repository: restore '
            'it with `git checkout`.'
        )
    return path


def load_pseudo() -> ModuleType:
    """Import ``golden/pseudo.py``, which draws the stand-in weights and clips."""
    module = ModuleType('pseudo')
    SourceFileLoader('pseudo', str(find_golden('pseudo.py'))).exec_module(module)
    return module
