"""Safe checkpoint loading and atomic file writing for MMEngine."""

from __future__ import annotations

import hashlib
import os.path as osp
from pathlib import Path
from urllib.parse import urlparse

import mmengine
import torch
from mmengine.fileio import LocalBackend, register_backend
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import (
    _get_mmengine_home,
    get_deprecated_model_names,
    get_external_models,
    get_mmcls_models,
)

from mmvis.atomic_file import atomic_file
from mmvis.converters.checkpoint_file import read_checkpoint, weights_of
from mmvis.errors import UserValueError
from mmvis.zoo.cache import cache_folder
from mmvis.zoo.download import RemoteFile, fetch_file

__all__ = ['use_safe_checkpoint_files']


def use_safe_checkpoint_files() -> None:
    """Make MMEngine write files atomically and read checkpoints as data only.

    MMEngine 0.10.7 cannot read its own checkpoints with torch >= 2.6; OneDL's reads
    by running code where safe loading fails. Both write in place, so that a training
    killed at that time leaves an incomplete file. Both run the config of a checkpoint
    as Python when a training is resumed from it.
    """
    register_backend('local', _AtomicLocalBackend, force=True, prefixes='')
    for loader, prefixes in _SCHEMES.items():
        CheckpointLoader.register_scheme(
            prefixes=list(prefixes), loader=loader, force=True
        )


class _AtomicLocalBackend(LocalBackend):
    """MMEngine's files on disk, written beside their place and moved there."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        with atomic_file(filepath) as partial:
            partial.write_bytes(obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        self.put(obj.encode(encoding), filepath)


def load_from_local(filename: str, map_location: str | None = None) -> dict:
    """Read a file, one inside of a Python package, or published weights."""
    return _without_configs(read_checkpoint(filename, map_location))


def load_from_http(filename: str, map_location: str | None = None) -> dict:
    """Download once to the cache of mmvis; check a hash that the name has."""
    name = Path(urlparse(filename).path).name
    named_hash = torch.hub.HASH_REGEX.search(name)
    # Files of one name from two addresses are two files.
    address = filename.partition('//')[2]
    folder = hashlib.sha256(address.encode()).hexdigest()[:8]
    path = fetch_file(
        RemoteFile(filename, named_hash[1] if named_hash else ''),
        cache_folder('downloads', folder, name),
    )
    return load_from_local(str(path), map_location)


def load_from_openmmlab(filename: str, map_location: str | None = None) -> dict:
    """Load one of MMEngine's named checkpoints, as of 'open-mmlab://name'."""
    urls, new_names = get_external_models(), get_deprecated_model_names()
    name = filename.split('://', 1)[1]
    url = _url_of(new_names.get(name, name), urls, filename)
    if not url.startswith(('http://', 'https://')):
        return load_from_local(osp.join(_get_mmengine_home(), url), map_location)
    return load_from_http(url, map_location)


def load_from_mmcls(filename: str, map_location: str | None = None) -> dict:
    """Load the backbone of one of MMClassification's checkpoints."""
    name = filename.split('://', 1)[1]
    url = _url_of(name, get_mmcls_models(), filename)
    weights = weights_of(load_from_http(url, map_location))
    prefix = 'backbone.'
    return dict(
        state_dict={
            name.removeprefix(prefix): value
            for name, value in weights.items()
            if name.startswith(prefix)
        }
    )


def load_from_torchvision(filename: str, map_location: str | None = None) -> dict:
    """Load one of torchvision's checkpoints by its model, e.g. 'resnet50'."""
    table = Path(mmengine.__file__).with_name('hub') / 'torchvision_0.12.json'
    name = filename.split('://', 1)[1]
    return load_from_http(_url_of(name, mmengine.load(table), filename), map_location)


def load_from_cluster(filename: str, map_location: str | None = None) -> dict:
    """Refuse checkpoints on storage that needs its provider's own client.

    Raises:
        ValueError: Always.
    """
    raise UserValueError(
        f'{filename}: checkpoints are read from files, http(s):// addresses, '
        'package://, zoo://, torchvision://, open-mmlab:// and mmcls://. Copy it to '
        'a file.'
    )


_SCHEMES = {
    load_from_local: ('', 'package://', 'zoo://'),
    load_from_http: ('http://', 'https://'),
    load_from_openmmlab: ('open-mmlab://', 'openmmlab://'),
    load_from_mmcls: ('mmcls://',),
    load_from_torchvision: ('torchvision://', 'modelzoo://'),
    load_from_cluster: ('pavi://', r'(\S+\:)?s3://', r'(\S+\:)?petrel://'),
}


def _url_of(name: str, urls: dict[str, str], filename: str) -> str:
    if name not in urls:
        raise UserValueError(
            f'{filename} is not known to MMEngine. Give the file or its https:// '
            'address instead.'
        )
    return urls[name]


def _without_configs(checkpoint: dict) -> dict:
    """Leave out the texts that MMEngine would run as Python."""
    meta, hub = checkpoint.get('meta'), checkpoint.get('message_hub')
    if isinstance(meta, dict):
        data = {n: value for n, value in meta.items() if n not in ('cfg', 'config')}
        checkpoint = {**checkpoint, 'meta': data}
    info = hub.get('runtime_info') if isinstance(hub, dict) else None
    if isinstance(hub, dict) and isinstance(info, dict):
        data = {name: value for name, value in info.items() if name != 'cfg'}
        checkpoint = {**checkpoint, 'message_hub': {**hub, 'runtime_info': data}}
    return checkpoint
