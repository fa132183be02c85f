"""Checks of a config's parts against the classes that they build."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union

from mmvis.engine.config_parts import (
    argument_names,
    find_parts,
    find_registered,
    registered_names,
    similar_names,
)
from mmvis.errors import UserKeyError, UserTypeError, UserValueError

__all__ = ['check_types']

# Parts that are built late, or whose type nothing else checks.
_BUILT_LATE = ('model.test_cfg.merger', 'optim_wrapper.optimizer')
# Those of a dataset that mixes samples, as mosaics, are packed by it.
_PIPELINE = r'(train|val|test)_dataloader\.dataset(\.datasets\.\d+)*\.pipeline\.(\d+)'
_PACKAGES = ('mmcv', 'mmdet', 'mmvis')

_KINDS = {
    bool: 'True or False',
    dict: 'a dict',
    float: 'a number',
    int: 'an integer',
    str: 'text',
    type(None): 'None',
}


def check_types(config: dict) -> None:
    """Check types, and the arguments of mmvis's parts, before any is built.

    Arguments of parts of other packages are left to their constructors: hints of
    MMDetection are narrower than what it takes.

    Args:
        config (dict): The whole config.

    Raises:
        KeyError: If a part is not registered that is built after others have run.
        TypeError: If a value has another type than the argument; the message names its
            key.
        ValueError: If a pipeline does not pack its samples.
    """
    last = {}
    for path, part in find_parts(config):
        if not isinstance(part['type'], str):
            continue
        classes = find_registered(part['type'])
        if path in _BUILT_LATE and not classes:
            names = registered_names()
            raise UserKeyError(
                f'`{path}.type` is {part["type"]!r}, which is no part of mmvis, '
                f'MMDetection or MMEngine.{similar_names(part["type"], names)}'
            )
        for cls in classes:
            if cls.__module__.startswith('mmvis.'):
                _check_arguments(path, part, cls)
        if re.fullmatch(_PIPELINE, path):
            last[path.rpartition('.')[0]] = classes
    for path, classes in last.items():
        _check_packs(path, classes)


def _check_packs(path: str, classes: Sequence[Any]) -> None:
    """Check the last step of a pipeline, unless it is a class of the user."""
    for cls in classes:
        if 'Pack' not in cls.__name__ and cls.__module__.split('.')[0] in _PACKAGES:
            raise UserValueError(
                f'`{path}` must end with dict(type="PackClipInputs"), which makes the '
                f'input of a model, but its last step is {cls.__name__}.'
            )


def _check_arguments(path: str, part: dict, cls: Any) -> None:
    known = argument_names(cls)
    for name in part.keys() - {*known, 'type', '_scope_'}:
        raise UserTypeError(
            f'`{path}` ({cls.__name__}) has no argument {name!r}.'
            f'{similar_names(name, known)}'
        )
    is_class = isinstance(cls, type)
    function = cls.__init__ if is_class else cls
    for name, hint in typing.get_type_hints(function).items():
        if name in part and not _fits(part[name], hint):
            raise UserTypeError(
                f'`{path}.{name}` must be {_described(hint)}, got {part[name]!r:.60}.'
            )


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value of a config may be given where a type hint stands."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, option) for option in inner)
    if origin is Literal:
        return value in inner
    if (origin or hint) in (dict, Mapping):
        return isinstance(value, dict)
    if (origin or hint) in (list, tuple, Sequence):
        # A tuple is written as a list on a command line.
        is_list = isinstance(value, (list, tuple))
        return is_list and all(_fits(item, inner[0]) for item in value if inner)
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint) if hint in _KINDS else True


def _described(hint: Any) -> str:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return ' or '.join(_described(option) for option in inner)
    if origin is Literal:
        return f'one of {", ".join(map(repr, inner))}'
    if (origin or hint) is Mapping:
        return 'a dict'
    if (origin or hint) in (list, tuple, Sequence):
        return f'a list, each item {_described(inner[0])}' if inner else 'a list'
    return _KINDS.get(origin or hint, getattr(hint, '__name__', str(hint)))
