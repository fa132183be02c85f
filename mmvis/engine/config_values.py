"""Checks of values of a config that the stack would use unchecked."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from mmvis.errors import UserTypeError, UserValueError

__all__ = ['check_values']

_LEVELS = ('DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL')


def check_values(config: dict) -> None:
    """Check numbers, names and paths that are needed before or during a run.

    Args:
        config (dict): The whole config.

    Raises:
        TypeError: If the model is not a dict.
        ValueError: If a value is not of the expected kind; the message names its key.
    """
    if not isinstance(config.get('model'), dict):
        raise UserTypeError(
            f'`model` must be a dict with the type of the model, got '
            f'{config.get("model")!r:.60}.'
        )
    for path, value in _values(config):
        for pattern, is_valid, expected in _CHECKS:
            if re.fullmatch(pattern, path) and not is_valid(value):
                raise UserValueError(f'`{path}` must be {expected}, got {value!r:.60}.')


def _values(value: Any, path: str = '') -> Iterator[tuple[str, Any]]:
    """Every value in a config with its dotted path, containers too."""
    if path:
        yield path, value
    if isinstance(value, (dict, list, tuple)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, child in items:
            yield from _values(child, f'{path}.{key}' if path else str(key))


def _is_integer(value: Any, least: int = 0, most: float = math.inf) -> bool:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return is_integer and least <= value <= most


def _is_positive(value: Any) -> bool:
    return _is_integer(value, least=1)


def _is_finite(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and abs(value) <= 1e300  # NaN is not


def _is_seed(value: Any) -> bool:
    return value is None or _is_integer(value, most=2**32 - 1)


def _is_level(value: Any) -> bool:
    return _is_integer(value) or value in _LEVELS


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value != '' and '\0' not in value


def _is_text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


_LOADER = r'(train|val|test)_dataloader\.'
#: Pattern of the key, whether a value is valid, and what is expected.
_CHECKS: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    (r'model\..*num_(classes|queries)', _is_positive, 'an integer of at least 1'),
    (
        r'train_cfg\.(max_iters|max_epochs|val_interval)',
        _is_positive,
        'an integer of at least 1',
    ),
    (rf'{_LOADER}batch_size', _is_positive, 'an integer of at least 1'),
    (rf'{_LOADER}num_workers', _is_integer, 'an integer of at least 0'),
    (rf'{_LOADER}.*(ann_file|data_root)', _is_text_or_none, 'a path, as text'),
    (rf'{_LOADER}.*data_prefix', _is_dict, 'a dict with the folder, dict(img=...)'),
    (r'optim_wrapper\.optimizer\.lr', _is_finite, 'a finite number'),
    (r'optim_wrapper\.clip_grad\.(max_norm|norm_type)', _is_finite, 'a number'),
    (r'randomness\.seed', _is_seed, 'an integer in [0, 2**32), or None'),
    (r'work_dir', _is_path, 'the path of a folder, as text'),
    (r'load_from', _is_text_or_none, 'the path of a checkpoint, as text'),
    (r'log_level', _is_level, f'one of {", ".join(_LEVELS)}'),
)
