"""Read checkpoints of other code bases without running code of theirs."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmvis.errors import UserValueError

__all__ = ['read_tensors']

# What a pickled dictionary of NumPy arrays refers to, and nothing else.
_ALLOWED = {
    ('collections', 'OrderedDict'),
    ('_codecs', 'encode'),
    ('numpy', 'ndarray'),
    ('numpy', 'dtype'),
    ('numpy.core.multiarray', '_reconstruct'),
    ('numpy._core.multiarray', '_reconstruct'),
}


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickle plain containers and NumPy arrays, refuse anything else."""

    def find_class(self, module: str, name: str) -> type:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(
                f'it refers to {module}.{name}, which may run code'
            )
        return super().find_class(module, name)


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """Read the weights of a ``.pth`` or a Detectron2 ``.pkl`` checkpoint.

    Args:
        path (str | Path): Checkpoint; the weights are the whole of it, or lie
            under ``model`` or ``state_dict``.

    Returns:
        dict[str, Tensor]: Weights by name.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file cannot be read as plain tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'There is no checkpoint at {path}.')
    try:
        if path.suffix == '.pkl':
            with path.open('rb') as f:
                content = _ArrayUnpickler(f, encoding='latin1').load()
        else:
            content = torch.load(path, map_location='cpu', weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise UserValueError(
            f'{path} is not a checkpoint of plain tensors: {error}'
        ) from error
    for key in ('model', 'state_dict'):
        if isinstance(content, dict) and key in content:
            content = content[key]
    if not isinstance(content, dict) or not content:
        raise UserValueError(
            f'{path} holds no weights: expected names and tensors at its top, or '
            f'under "model" or "state_dict", got {type(content).__name__}.'
        )
    return {name: _as_tensor(path, name, value) for name, value in content.items()}


def _as_tensor(path: Path, name: str, value: Tensor | np.ndarray) -> Tensor:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray | np.generic):
        return torch.from_numpy(np.array(value))
    raise UserValueError(
        f'{path}: entry "{name}" is a {type(value).__name__}, expected a tensor.'
    )
