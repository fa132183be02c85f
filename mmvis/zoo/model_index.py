"""Index of the models: names, addresses, hashes and licences."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

import mmvis
from mmvis.errors import UserKeyError
from mmvis.zoo.download import RemoteFile

__all__ = ['ZooModel', 'find_config', 'find_model', 'list_models', 'read_index']


@dataclass(frozen=True)
class ZooModel:
    """A config of the toolbox, and the weights that were published for it.

    Attributes:
        name (str): Name of its config.
        config (Path): The config file.
        collection (str): Its method.
        training_data (str): What it is trained on.
        remote (RemoteFile | None): The published checkpoint; None if there is none.
        converter (str | None): Kind of the published checkpoint, e.g. 'tevit'.
        licence (str | None): Of the checkpoint.
        source (str | None): The page that publishes it.
        size (str | None): Of the checkpoint, as far as it is known.
        metrics (dict[str, float]): What the authors report, in percent.
    """

    name: str
    config: Path
    collection: str
    training_data: str
    remote: RemoteFile | None
    converter: str | None
    licence: str | None
    source: str | None
    size: str | None
    metrics: dict[str, float]

    @property
    def is_published(self) -> bool:
        """Whether weights can be downloaded."""
        return self.remote is not None


@cache
def list_models() -> dict[str, ZooModel]:
    """All models by name, in the order of the metafile."""
    return read_index(Path(mmvis.__file__).parent / '.mim')


def read_index(root: Path) -> dict[str, ZooModel]:
    """Models of a folder with a ``model-index.yml``, by name."""
    index = yaml.safe_load((root / 'model-index.yml').read_text('utf-8'))
    models = {}
    for metafile in index['Import']:
        content = yaml.safe_load((root / metafile).read_text('utf-8'))
        for entry in content['Models']:
            models[entry['Name']] = _read(entry, root)
    return models


def find_model(name: str) -> ZooModel:
    """Find a model by its name.

    Raises:
        UserKeyError: If there is none; the message names similar ones.
    """
    models = list_models()
    if name not in models:
        similar = difflib.get_close_matches(name, models, n=3)
        hint = f' Did you mean {" or ".join(similar)}?' if similar else ''
        raise UserKeyError(
            f'There is no model {name!r} in the zoo.{hint} `mmvis models` lists all.'
        )
    return models[name]


def find_config(name: str | os.PathLike) -> Path:
    """Find a config file by its path, or a shipped one by its name.

    Raises:
        UserKeyError: If it is neither; the message names similar ones.
    """
    path = Path(name)
    if path.is_file() or path.suffix:
        return path
    return find_model(str(name)).config


def _read(entry: Mapping, root: Path) -> ZooModel:
    published = entry.get('Published', {})
    weights = entry.get('Weights')
    results = entry.get('Results', [{}])[0]
    return ZooModel(
        name=entry['Name'],
        config=root / entry['Config'],
        collection=entry['In Collection'],
        training_data=entry['Metadata']['Training Data'],
        remote=weights and RemoteFile(weights, published.get('SHA256', '')),
        converter=published.get('Converter'),
        licence=published.get('License'),
        source=published.get('Source'),
        size=published.get('Size'),
        metrics=dict(results.get('Metrics', {})),
    )
