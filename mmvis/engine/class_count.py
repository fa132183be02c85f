"""The number of classes of a model, where its config leaves it to the data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from mmvis.engine.config_types import check_types
from mmvis.errors import UserValueError
from mmvis.registry import DATASETS

__all__ = ['count_classes', 'has_open_classes', 'set_num_classes']


def has_open_classes(model: dict) -> bool:
    """Tell whether a part of a model has ``num_classes=None``."""
    return any(True for _ in _open_parts(model))


def set_num_classes(model: dict, num_classes: int) -> None:
    """Set ``num_classes`` of all parts that have None.

    Args:
        model (dict): Config of the model, changed in place.
        num_classes (int): K.
    """
    for part in _open_parts(model):
        part['num_classes'] = num_classes


def count_classes(cfg: Config, phase: str) -> int:
    """Count the classes of a data set of the config; it is read for that.

    Args:
        cfg (Config): The whole config.
        phase (str): 'train' or 'test'.

    Returns:
        int: K.

    Raises:
        FileNotFoundError: If there is no such annotation file.
        ValueError: If the config has no such data set, or the file is not valid.
    """
    name = f'{phase}_dataloader'
    loader = cfg.to_dict().get(name)
    if not isinstance(loader, dict) or not isinstance(loader.get('dataset'), dict):
        raise UserValueError(
            f'`model.head.num_classes` is None: the classes of `{name}.dataset` are '
            'counted, but there is none. Set one of them.'
        )
    check_types({name: loader})
    dataset = loader['dataset']
    # Of a data set that joins or wraps others, the first is representative.
    while 'datasets' in dataset or 'dataset' in dataset:
        dataset = (
            dataset['datasets'][0] if 'datasets' in dataset else dataset['dataset']
        )
    built = DATASETS.build({**dataset, 'pipeline': []})
    return len(built.metainfo['classes'])


def _open_parts(value: Any) -> Iterator[dict]:
    if isinstance(value, dict):
        if 'num_classes' in value and value['num_classes'] is None:
            yield value
        for child in value.values():
            yield from _open_parts(child)
    elif isinstance(value, (list, tuple)):
        for child in value:
            yield from _open_parts(child)
