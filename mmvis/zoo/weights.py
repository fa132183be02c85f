"""Download and conversion of published weights."""

from __future__ import annotations

import fcntl
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import mmvis
from mmvis import converters
from mmvis.converters.checkpoint_file import read_tensors, write_checkpoint
from mmvis.errors import UserValueError
from mmvis.zoo.cache import cache_folder
from mmvis.zoo.download import RemoteFile, fetch_file
from mmvis.zoo.model_index import ZooModel, find_model

__all__ = ['fetch_weights', 'published_file']


def published_file(model: ZooModel) -> Path:
    """Place in the cache of what the authors published.

    Raises:
        UserValueError: If nothing is published for the model.
    """
    address = urlparse(_remote_file(model).url)
    (name,) = parse_qs(address.query).get('id', [Path(address.path).name])
    return cache_folder('published', name if '.' in name else f'{name}.pth')


def fetch_weights(name: str) -> Path:
    """Download the weights of a model and convert them, unless both are done.

    Args:
        name (str): Name of the model, that of its config.

    Returns:
        Path: An mmvis checkpoint, kept in the cache.

    Raises:
        OSError: If it cannot be downloaded; the message says how to do it by hand.
        UserKeyError: If there is no such model.
        UserValueError: If nothing is published for it, or the file is corrupted or
            not what was expected.
    """
    model = find_model(name)
    remote, source = _remote_file(model), published_file(model)
    # Another version of mmvis may give weights other names.
    converted = cache_folder('converted', mmvis.__version__, f'{name}.pth')
    converted.parent.mkdir(parents=True, exist_ok=True)
    with converted.with_name(f'.{name}.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not converted.is_file():
            fetch_file(remote, source)
            _convert(model, source, converted)
    return converted


def _remote_file(model: ZooModel) -> RemoteFile:
    if model.remote is None:
        raise UserValueError(
            f'No weights are published for {model.name}. Train it, or choose a model '
            'with weights: `mmvis models --published` lists them.'
        )
    return model.remote


def _convert(model: ZooModel, source: Path, converted: Path) -> None:
    convert = getattr(converters, f'convert_{model.converter}')
    expected = converters.initial_weights(converters.load_model_cfg(model.config))
    try:
        weights = convert(read_tensors(source), expected)
    except (KeyError, ValueError) as error:
        raise UserValueError(
            f'{source} is not what {model.name} was published with: {error.args[0]}'
        ) from error
    meta = dict(source=_remote_file(model).url, licence=model.licence)
    write_checkpoint(weights, converted, meta)
