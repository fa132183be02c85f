"""Checks of values of a config that the stack would use unchecked."""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Callable, Iterator
from typing import Any

from mmengine.fileio import get_file_backend

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
    for phase in ('val', 'test'):
        names = [f'{phase}_{part}' for part in ('cfg', 'dataloader', 'evaluator')]
        missing = [name for name in names if config.get(name) is None]
        if 0 < len(missing) < len(names):
            raise UserValueError(
                f'`{"` and `".join(missing)}` must be set, as the other ones of '
                f'{", ".join(names)} are. Set all of them, or all to None.'
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


def _is_integer(value: Any, least: int = 0, most: int = 2**63 - 1) -> bool:
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


def _is_dict_or_none(value: Any) -> bool:
    return value is None or isinstance(value, dict)


def _is_filled_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0


def _is_filled_list_of_dicts(value: Any) -> bool:
    return _is_filled_list(value) and all(isinstance(item, dict) for item in value)


def _is_dict_or_list_of_dicts(value: Any) -> bool:
    is_list = isinstance(value, (list, tuple))
    return _is_dict_or_none(value) or (
        is_list and all(isinstance(item, dict) for item in value)
    )


def _is_list_of_integers(value: Any) -> bool:
    return _is_filled_list(value) and all(_is_integer(item) for item in value)


def _is_deviation(value: Any) -> bool:
    return _is_filled_list(value) and all(_is_finite(x) and x > 0 for x in value)


def _is_scale(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return len(value) > 0 and all(map(_is_scale, value))
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value is None or (is_number and value >= 1)


def _is_interval(value: Any) -> bool:
    return _is_positive(value) or value == -1


def _is_clipping(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and value.keys() <= _CLIP_KEYS)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value != '' and '\0' not in value


def _is_root(value: Any) -> bool:
    """Whether files can be read from below a path; MMEngine's backends differ."""
    if not isinstance(value, str):
        return value is None
    try:
        return hasattr(get_file_backend(value), 'join_path')
    except (ImportError, KeyError, ValueError):  # not installed, unknown, no address
        return False


def _is_text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


_LOADER = r'(train|val|test)_dataloader\.'
_CLIP_KEYS = {'type', 'max_norm', 'norm_type', 'error_if_nonfinite', 'clip_value'}
#: Pattern of the key, whether a value is valid, and what is expected.
_CHECKS: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    (
        r'(train|val|test)_(dataloader|cfg)|optim_wrapper|default_hooks|env_cfg|'
        r'default_hooks\.[^.]+|auto_scale_lr|randomness|visualizer|log_processor|'
        r'optim_wrapper\.paramwise_cfg|custom_imports',
        _is_dict_or_none,
        'a dict',
    ),
    (
        r'param_scheduler|(val|test)_evaluator|custom_hooks',
        _is_dict_or_list_of_dicts,
        'a dict or a list of dicts',
    ),
    (r'optim_wrapper\.optimizer', _is_dict, 'a dict with the type'),
    (
        r'model\..*num_(classes|queries)|model\.(neck|head).*(num_heads|embed_dims)',
        _is_positive,
        'an integer of at least 1',
    ),
    (r'model\.data_preprocessor\.std', _is_deviation, 'a list of positive numbers'),
    (
        r'model\.(.+\.)?style',
        lambda value: value in ('pytorch', 'caffe'),
        "'pytorch' or 'caffe'",
    ),
    (
        r'train_cfg\.(max_iters|max_epochs|val_interval)',
        _is_positive,
        'an integer of at least 1',
    ),
    (rf'{_LOADER}batch_size', _is_positive, 'an integer of at least 1'),
    (rf'{_LOADER}num_workers', _is_integer, 'an integer of at least 0'),
    (rf'{_LOADER}(dataset|sampler)', _is_dict, 'a dict with the type'),
    (
        rf'{_LOADER}.*\.pipeline',
        _is_filled_list_of_dicts,
        'a list of at least one dict, the last one of PackClipInputs',
    ),
    (
        rf'{_LOADER}.*metainfo\.classes',
        lambda value: isinstance(value, (str, list, tuple)),
        'a list of names, or the path of a file with one in each line',
    ),
    (
        rf'{_LOADER}.*\.indices',
        lambda value: (
            value is None or _is_positive(value) or _is_list_of_integers(value)
        ),
        'a number of samples, or a list of their indices',
    ),
    (rf'{_LOADER}.*\.max_refetch', _is_integer, 'an integer of at least 0'),
    (rf'{_LOADER}.*\.scales?', _is_scale, 'a size of at least one pixel'),
    (rf'{_LOADER}.*ann_file', _is_text_or_none, 'a path, as text'),
    (rf'{_LOADER}.*data_prefix', _is_dict, 'a dict with the folder, dict(img=...)'),
    (
        rf'{_LOADER}.*(data_root|data_prefix\.img)',
        _is_root,
        'the path of a folder, as text, on a file system or on a storage whose client '
        'is installed',
    ),
    (r'optim_wrapper\.optimizer\.lr', _is_finite, 'a finite number'),
    (
        r'optim_wrapper\.clip_grad',
        _is_clipping,
        f'None or a dict of {", ".join(sorted(_CLIP_KEYS))}',
    ),
    (r'optim_wrapper\.clip_grad\.(max_norm|norm_type)', _is_finite, 'a number'),
    (r'param_scheduler\..*(gamma|factor|power)', _is_finite, 'a finite number'),
    (r'param_scheduler\..*milestones', _is_list_of_integers, 'a list of integers'),
    (r'default_hooks\..*\.interval', _is_interval, 'an integer of at least 1, or -1'),
    (
        r'env_cfg\.mp_cfg\.mp_start_method',
        lambda value: value in multiprocessing.get_all_start_methods(),
        f'one of {", ".join(multiprocessing.get_all_start_methods())}',
    ),
    (r'log_processor\.window_size', _is_positive, 'an integer of at least 1'),
    (
        r'randomness\.(deterministic|diff_rank_seed)',
        lambda value: isinstance(value, bool),
        'True or False',
    ),
    (r'randomness\.seed', _is_seed, 'an integer in [0, 2**32), or None'),
    (r'work_dir', _is_path, 'the path of a folder, as text'),
    (r'load_from', _is_text_or_none, 'the path of a checkpoint, as text'),
    (r'resume', lambda value: isinstance(value, bool), 'True or False'),
    (r'log_level', _is_level, f'one of {", ".join(_LEVELS)}'),
)
