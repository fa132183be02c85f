"""Reading, checking and writing of checkpoint files.

The one reader of mmvis. Nothing of a file is run, and its weights are dense, finite
tensors by name, or one error names the file and the entry.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import json
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from mmvis.atomic_file import atomic_file
from mmvis.converters.tensor_checks import quoted, tensor_problem
from mmvis.converters.unpickling import load_arrays, load_torch
from mmvis.errors import UserValueError
from mmvis.file_kind import check_is_file, describe_content

__all__ = [
    'find_checkpoint',
    'read_checkpoint',
    'read_tensors',
    'weights_of',
    'write_checkpoint',
]

_PACKAGE = 'package://'
_ZOO = 'zoo://'
_FOLDER = 0x10  # the bit of a folder in the attributes of an archive's entry


def find_checkpoint(name: str | Path) -> Path:
    """Find the file that a checkpoint's name stands for.

    Args:
        name (str | Path): A path, where ``~`` is the home folder, or
            ``package://MODULE/PATH``, a file inside an installed Python package,
            which is not imported, or ``zoo://NAME``, published weights, which are
            downloaded and converted first (:func:`mmvis.zoo.fetch_weights`).

    Returns:
        Path: An existing file.

    Raises:
        FileNotFoundError: If there is none.
        OSError: If published weights cannot be downloaded.
        ValueError: If ``MODULE`` is not an installed package or ``PATH`` leaves it, or
            the path is that of a folder, a device or the like.
    """
    if str(name).startswith(_ZOO):
        from mmvis.zoo.weights import fetch_weights  # it reads checkpoints itself

        return fetch_weights(str(name).removeprefix(_ZOO))
    is_in_package = str(name).startswith(_PACKAGE)
    path = _path_in_package(str(name)) if is_in_package else Path(name).expanduser()
    check_is_file(path)
    if not path.is_file():
        problem = 'there is no such checkpoint file'
        config = Path('configs', f'{path.parent.name}.py')
        if path.parent.parent.name == 'work_dirs' and config.is_file():
            problem += f', train {config} first'
        raise FileNotFoundError(errno.ENOENT, problem, str(name))
    return path


def read_checkpoint(
    name: str | Path, map_location: str | torch.device | None = None
) -> dict:
    """Read a checkpoint file.

    Args:
        name (str | Path): What :func:`find_checkpoint` takes. By the ending of the
            file, ``.safetensors``, ``.pkl`` (NumPy arrays, as of Detectron2), or else
            what ``torch.save`` wrote.
        map_location (str | torch.device, optional): Device of the tensors. Defaults
            to None: the CPU.

    Returns:
        dict: What the file holds. Its weights, under 'state_dict', under 'model' or
        at its top, are tensors by name: see :func:`weights_of`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a checkpoint, is corrupted, holds more than data, or
            weights that are not dense, real and finite tensors.
    """
    path = find_checkpoint(name)
    content = _read_content(path, map_location or 'cpu')
    if not isinstance(content, dict):
        raise UserValueError(
            f'{name} holds a {type(content).__name__}, expected weights by name, or '
            "a dict with them under 'state_dict' or 'model'."
        )
    key = _key_of_weights(content)
    weights = content if key is None else content[key]
    if not isinstance(weights, dict) or not weights:
        found = (
            'nothing' if isinstance(weights, dict) else f'a {type(weights).__name__}'
        )
        raise UserValueError(
            f'{name} holds no weights: expected names and tensors'
            f'{"" if key is None else f" under {key!r}"}, got {found}.'
        )
    size = path.stat().st_size
    tensors = {n: _checked(n, value, str(name), size) for n, value in weights.items()}
    return tensors if key is None else {**content, key: tensors}


def weights_of(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """Weights of a checkpoint that was read, without the prefix of a wrapped model.

    Args:
        checkpoint (Mapping[str, Any]): From :func:`read_checkpoint`.

    Returns:
        dict[str, Tensor]: Weights by name.

    Raises:
        ValueError: If a weight is there with and without the prefix.
    """
    key = _key_of_weights(checkpoint)
    weights = checkpoint if key is None else checkpoint[key]
    plain = {name.removeprefix('module.'): value for name, value in weights.items()}
    if len(plain) != len(weights):
        raise UserValueError(
            'The checkpoint holds some weights twice, with and without the prefix '
            '"module.". Save the state dict of one model.'
        )
    return plain


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """Read the weights of a checkpoint file, and nothing else of it.

    Args:
        path (str | Path): What :func:`read_checkpoint` takes.

    Returns:
        dict[str, Tensor]: Weights by name, on the CPU.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file cannot be read as plain tensors.
    """
    return weights_of(read_checkpoint(path))


def write_checkpoint(
    weights: Mapping[str, Tensor],
    path: str | Path,
    meta: Mapping[str, Any],
    *,
    key: str = 'state_dict',
) -> None:
    """Write weights to a file atomically.

    Args:
        weights (Mapping[str, Tensor]): Weights by name.
        path (str | Path): Ends in ``.safetensors``, with a digest of all weights, or
            is written by ``torch.save``.
        meta (Mapping[str, Any]): What there is to know about them, kept under 'meta';
            texts, numbers and containers.
        key (str): Under which ``torch.save`` gets the weights, 'state_dict' or
            'model'. Defaults to 'state_dict'.
    """
    if Path(path).suffix == '.safetensors':
        tensors = {n: value.detach().cpu().clone() for n, value in weights.items()}
        dense = {n: value.contiguous() for n, value in tensors.items()}
        about = dict(meta=json.dumps(dict(meta)), sha256=_digest(dense))
        with atomic_file(path) as partial:
            partial.write_bytes(save(dense, metadata=about))
    else:
        with atomic_file(path) as partial:
            torch.save({key: dict(weights), 'meta': dict(meta)}, partial)


def _key_of_weights(content: Mapping[str, Any]) -> str | None:
    return next((key for key in ('state_dict', 'model') if key in content), None)


def _path_in_package(name: str) -> Path:
    module, _, path = name.removeprefix(_PACKAGE).partition('/')
    package, *folders = module.split('.')
    spec = importlib.util.find_spec(package) if package else None
    if spec is None or not spec.submodule_search_locations:
        raise UserValueError(
            f'{name}: there is no installed Python package {quoted(package)}. Expected '
            'package://MODULE/PATH; install the package with pip, or give the path of '
            'the file.'
        )
    root = Path(next(iter(spec.submodule_search_locations))).resolve()
    found = root.joinpath(*folders, path).resolve()
    if not found.is_relative_to(root):
        raise UserValueError(
            f'{name} is not inside the package {package}. Give the path of the file.'
        )
    return found


def _read_content(path: Path, map_location: str | torch.device) -> Any:
    with path.open('rb') as file:
        try:
            if path.suffix == '.safetensors':
                return _read_safetensors(path, map_location)
            if path.suffix == '.pkl':
                return load_arrays(file)
            _check_zip(path)
            return load_torch(file, map_location)
        except UserValueError:
            raise
        except Exception as error:  # bytes of unknown origin: a parser raises anything
            raise UserValueError(_unreadable(path, error)) from error


def _check_zip(path: Path) -> None:
    """Compare the checksums of an archive, which torch leaves out.

    Torch does not read an entry that is marked as a folder or stands there twice as
    :mod:`zipfile` does: its tensor would hold whatever the memory held before.
    """
    if not zipfile.is_zipfile(path):
        return  # the format before torch 1.6, which has none
    with zipfile.ZipFile(path) as archive:
        if any(info.compress_type != zipfile.ZIP_STORED for info in archive.filelist):
            raise UserValueError(
                f'{path} is a compressed archive, not a checkpoint: torch.save '
                'does not compress. Unpack it first.'
            )
        names = Counter(info.filename for info in archive.filelist)
        for info in archive.filelist:
            name = info.filename
            is_marked = bool(info.external_attr & _FOLDER) and not info.is_dir()
            if is_marked or names[name] > 1:
                problem = 'is marked as a folder' if is_marked else 'is there twice'
                raise UserValueError(
                    f'{path} is corrupted: its entry {quoted(name)} {problem}. '
                    f'{_COPY_AGAIN}'
                )
        damaged = archive.testzip()
    if damaged is not None:
        raise UserValueError(
            f'{path} is corrupted: the checksum of {quoted(damaged)} is wrong. '
            f'{_COPY_AGAIN}'
        )


def _read_safetensors(path: Path, map_location: str | torch.device) -> dict:
    with safe_open(path, framework='pt', device=str(map_location)) as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        about = file.metadata() or {}
    if 'sha256' in about and about['sha256'] != _digest(tensors):
        raise UserValueError(
            f'{path} is corrupted: the digest of its weights is wrong. {_COPY_AGAIN}'
        )
    return dict(state_dict=tensors, meta=json.loads(about.get('meta', '{}')))


def _digest(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].cpu().reshape(-1)
        digest.update(f'{name} {tuple(tensors[name].shape)} {value.dtype}'.encode())
        digest.update(value.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _checked(name: Any, value: Any, filename: str, file_size: int) -> Tensor:
    """One weight as a tensor.

    Raises:
        ValueError: If it is not one, or its name is not a text.
    """
    if not isinstance(name, str):
        raise UserValueError(
            f'{filename}: a weight is named {quoted(name)}, expected a text. '
            f'{_SAVE_WEIGHTS}'
        )
    if isinstance(value, np.ndarray | np.generic):
        value = _as_tensor(value, file_size)
    problem = tensor_problem(value)
    if problem is not None:
        raise UserValueError(
            f'{filename}: entry {quoted(name)} {problem}. {_SAVE_WEIGHTS}'
        )
    return value.detach()


def _as_tensor(value: np.ndarray | np.generic, file_size: int) -> Any:
    """A tensor, or the array itself where none can be made of it."""
    if value.nbytes > file_size:
        return value  # its values are not in the file
    try:
        return torch.from_numpy(np.array(value, dtype=value.dtype.newbyteorder('=')))
    except (TypeError, ValueError):
        return value


_COPY_AGAIN = (
    'Copy or download it again; a training resumes from an earlier checkpoint with '
    '--resume PATH.'
)
_SAVE_WEIGHTS = 'Give a checkpoint that holds the state dict of a trained model.'


def _unreadable(path: Path, error: Exception) -> str:
    unknown = re.search(r'GLOBAL ([\w.]+)', str(error))
    if unknown is not None:
        return (
            f'{path} holds more than plain data: {unknown[1]}. It is not loaded, '
            'because that can run any code. Convert checkpoints of other projects '
            'with tools/model_converters/.'
        )
    # Torch's message begins with a long advice to run the file's code.
    reason = str(error).rpartition('WeightsUnpickler error:')[2].strip()
    reason = quoted(reason.partition('\n')[0])
    with path.open('rb') as file:
        kind = describe_content(file.read(256))
    return (
        f'{path} is not a checkpoint, or is corrupted ({type(error).__name__}: '
        f'{reason}).{kind} {_COPY_AGAIN}'
    )
