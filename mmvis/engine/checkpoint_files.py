"""Checkpoint files: written whole or not at all, read without running their code."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
from mmengine.dist import barrier, is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import get_external_models

from mmvis.atomic_file import atomic_file
from mmvis.errors import UserValueError

__all__ = ['find_last_checkpoint', 'read_checkpoint', 'use_safe_checkpoint_files']


def read_checkpoint(filename: str, map_location: str | None = None) -> dict:
    """Load a local checkpoint without running code from it.

    Args:
        filename (str): A ``.pth`` file with a state dict, or a dict that holds it
            under 'state_dict', as MMEngine writes it.
        map_location (str, optional): Device of the tensors. Defaults to None: the
            device that they were saved from.

    Returns:
        dict: What the file holds.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no checkpoint, is damaged, or holds more than data.
    """
    filename = os.path.expanduser(filename)
    if not os.path.isfile(filename):
        raise FileNotFoundError(f'The checkpoint {filename} does not exist.')
    try:
        with torch.serialization.safe_globals(_data_types()):
            checkpoint = torch.load(
                filename, map_location=map_location, weights_only=True
            )
    except (UnpicklingError, RuntimeError, EOFError, KeyError) as error:
        raise UserValueError(_unreadable(filename, str(error))) from error
    if not isinstance(checkpoint, dict):
        raise UserValueError(
            f'{filename} holds a {type(checkpoint).__name__}, expected a state dict '
            "or a dict with the key 'state_dict'."
        )
    return checkpoint


def find_last_checkpoint(work_dir: str) -> str | None:
    """Find the checkpoint of a training that was written last.

    Args:
        work_dir (str): Its work directory.

    Returns:
        str | None: Path of ``iter_*.pth`` or ``epoch_*.pth``; None if there is none.
    """
    folder = Path(work_dir)
    found = [*folder.glob('iter_*.pth'), *folder.glob('epoch_*.pth')]
    return str(max(found, key=lambda path: path.stat().st_mtime)) if found else None


def use_safe_checkpoint_files() -> None:
    """Make MMEngine write files atomically and read checkpoints as data only.

    MMEngine 0.10.7 cannot read its own checkpoints with torch >= 2.6; OneDL's reads
    with code where reading without it fails. Both write in place, so that a training
    killed meanwhile leaves half a file.
    """
    register_backend('local', _AtomicLocalBackend, force=True, prefixes='')
    CheckpointLoader.register_scheme(prefixes='', loader=load_from_local, force=True)
    CheckpointLoader.register_scheme(
        prefixes=['http://', 'https://'], loader=load_from_http, force=True
    )
    CheckpointLoader.register_scheme(
        prefixes=['open-mmlab://', 'openmmlab://'],
        loader=load_from_openmmlab,
        force=True,
    )


class _AtomicLocalBackend(LocalBackend):
    """MMEngine's files on disk, written beside their place and moved there."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        with atomic_file(filepath) as partial:
            partial.write_bytes(obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        self.put(obj.encode(encoding), filepath)


def load_from_local(filename: str, map_location: str | None) -> dict:
    return read_checkpoint(filename, map_location)


def load_from_http(filename: str, map_location: str | None) -> dict:
    """Download to torch's cache, on the main process first; check named hashes."""
    checkpoint = None
    for is_turn in (is_main_process(), not is_main_process()):
        if is_turn:
            checkpoint = torch.hub.load_state_dict_from_url(
                filename,
                map_location=map_location,
                weights_only=True,
                check_hash=True,
                progress=False,
            )
        barrier()
    return checkpoint


def load_from_openmmlab(filename: str, map_location: str | None) -> dict:
    """Load one of MMEngine's named checkpoints, as of 'open-mmlab://name'."""
    name = filename.split('://', 1)[1]
    urls = get_external_models()
    if name not in urls:
        raise UserValueError(
            f'{filename} is not known to MMEngine. Give the file or its https:// '
            'address instead.'
        )
    return CheckpointLoader.load_checkpoint(urls[name], map_location)


def _unreadable(filename: str, error: str) -> str:
    unknown = re.search(r'GLOBAL ([\w.]+)', error)
    if unknown is not None:
        return (
            f'{filename} holds more than plain data: {unknown[1]}. It is not loaded, '
            'because that can run any code. Convert checkpoints of other projects '
            'with tools/model_converters/.'
        )
    return (
        f'{filename} is not a checkpoint, or is damaged. Copy or download it again; '
        'a training is resumed from an earlier checkpoint with --resume PATH.'
    )


def _data_types() -> list:
    """Types beside tensors in MMEngine's checkpoints: numbers and log histories."""
    multiarray = np.core.multiarray if np.__version__ < '2' else np._core.multiarray
    kinds = (np.bool_, np.int32, np.int64, np.uint32, np.uint64, np.float32, np.float64)
    return [
        np.dtype,
        np.ndarray,
        multiarray._reconstruct,
        multiarray.scalar,
        *(type(np.dtype(kind)) for kind in kinds),
        slice,
        HistoryBuffer,
        # Log histories hold their own statistics functions, pickled as lookups.
        (_history_statistic, 'builtins.getattr'),
    ]


def _history_statistic(owner: type, name: str) -> Callable:
    """Stand in for ``getattr``, which would open a way to all of Python."""
    if owner is not HistoryBuffer or name.startswith('_'):
        raise UnpicklingError(
            f'Unsupported GLOBAL builtins.getattr({owner!r}, {name!r})'
        )
    return getattr(owner, name)
