"""Errors that the stack raises about a config, and the part they are about."""

from __future__ import annotations

import re
import traceback
from typing import Any

from mmvis.engine.config_parts import (
    argument_names,
    find_parts,
    find_registered,
    find_types,
    registered_names,
    similar_names,
)
from mmvis.errors import UserError

__all__ = ['explain_config_error', 'is_about_config', 'traced_calls']

_REGISTRY = 'mmengine.registry.build_functions'
#: Modules of MMEngine whose errors are about the content of a config.
_CONFIG_MODULES = (
    _REGISTRY,
    'mmengine.config.config',
    'mmengine.config.lazy',
    'mmengine.config.utils',
    'mmengine.registry.registry',
    'mmengine.runner.runner',
    'mmengine.runner._flexible_runner',
)
_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
#: Packages whose parts get their arguments from a config.
_CONFIGURED_PACKAGES = ('mmcv', 'mmdet', 'mmengine', 'torch')
_CONFIG_ERRORS = (AssertionError, ImportError, KeyError, TypeError, ValueError)
#: What their constructors raise besides, given a value that they do not check.
_BUILD_ERRORS = (
    *_CONFIG_ERRORS,
    ArithmeticError,
    AttributeError,
    IndexError,
    RuntimeError,
)


def is_about_config(error: BaseException) -> bool:
    """Whether the stack raised an error about a value of the config.

    That is an error raised where a config is read or a registry builds from it, or in
    a constructor of a package of the stack that is called then.
    """
    calls = traced_calls(error)
    if not calls:
        return False
    module = calls[-1][0]
    if module in _CONFIG_MODULES:
        return isinstance(error, _CONFIG_ERRORS)
    modules = [name for name, _ in calls]
    if _REGISTRY not in modules or not isinstance(error, _BUILD_ERRORS):
        return False
    after_registry = calls[len(modules) - modules[::-1].index(_REGISTRY) :]
    is_built = after_registry[-1][1] == '__init__'
    # Or in what constructors call, down to private functions and comprehensions.
    is_private = all(name.startswith(('_', '<')) for _, name in after_registry)
    is_of_stack = all(_is_of_stack(name) for name, _ in after_registry)
    return _is_of_stack(module) and (is_built or is_private or is_of_stack)


def traced_calls(error: BaseException) -> list[tuple[str, str]]:
    """Module and function of each frame of a traceback, the raising one last."""
    return [
        (frame.f_globals.get('__name__', ''), frame.f_code.co_name)
        for frame, _ in traceback.walk_tb(error.__traceback__)
    ]


def explain_config_error(error: BaseException, message: str, config: dict) -> str:
    """Name the part of a config that an error is about.

    Args:
        error (BaseException): With its traceback.
        message (str): Its message.
        config (dict): The whole config.

    Returns:
        str: The message with the field, and with similar names if one is unknown.
    """
    unknown = re.match(r'(\S+) is not in the (?:\S+?::)?(.+?) registry', message)
    if unknown is not None:
        return _explain_unknown_type(config, *unknown.groups())
    path, part_type = _built_part(error, config)
    name = '' if isinstance(part_type, type) else f' ({part_type})'
    if isinstance(error, UserError):
        is_named = not path or f'{path.split(".")[0]}.' in message
        is_named |= re.match(r'[^\s`]+: ', message) is not None  # a file
        return message if is_named else f'`{path}`{name}: {message}'
    if not path or not is_about_config(error):
        return message
    if 'in registry' in message:  # MMCV's message, which does not name the type
        for field, unknown in find_types(config):
            is_inside = field.startswith(f'{path}.') and isinstance(unknown, str)
            if is_inside and not find_registered(unknown):
                return _explain_unknown_type(config, unknown)
    reason = _reason(error, message, part_type)
    return f'`{path}`{name} cannot be built: {reason}'


def _is_of_stack(module: str) -> bool:
    return module.split('.')[0] in _CONFIGURED_PACKAGES


def _reason(error: BaseException, message: str, part_type: Any) -> str:
    unknown = re.search(r"unexpected keyword argument '(\w+)'", message)
    if unknown is not None:
        name = unknown.group(1)
        known = argument_names(part_type)
        return f'it has no argument {name!r}.{similar_names(name, known)}'
    if isinstance(error, AssertionError) and not error.args:
        return f'`{traceback.extract_tb(error.__traceback__)[-1].line}` fails.'
    return f'{message.rstrip(".")}. Correct its arguments.'


def _explain_unknown_type(config: dict, name: str, kind: str = '') -> str:
    paths = [path for path, value in find_types(config) if value == name]
    fields = ' and '.join(f'`{path}`' for path in paths) or 'A type'
    names = registered_names(kind)
    if name in names:
        return (
            f'{fields} is {name!r}, a {kind} of mmvis, but `default_scope` is '
            f"{config.get('default_scope')!r}. Set default_scope='mmvis'."
        )
    return (
        f'{fields} is {name!r}, which is no {kind or "part"} of mmvis, MMDetection or '
        f'MMEngine.{similar_names(name, names)} Own components need an entry in '
        'custom_imports.'
    )


def _built_part(error: BaseException, config: dict) -> tuple[str, Any]:
    """Path and type of the innermost part of a config that was being built.

    What is built may differ from it, as parents add to the config of a part.
    """
    path, part_type = '', None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == 'build_dataloader':
            built = frame.f_locals.get('dataloader')
            names = [n for n in _LOADERS if _is_equal(config.get(n), built)]
            path, part_type = (*names, path)[0], frame.f_globals.get('DataLoader')
        built = frame.f_locals.get('cfg')
        if frame.f_globals.get('__name__') != _REGISTRY or not isinstance(built, dict):
            continue
        similar = [
            (sum(_is_equal(part[key], built.get(key)) for key in part), name)
            for name, part in find_parts(config)
            if part['type'] == built.get('type')
        ]
        if similar:
            # The one inside of the outer part, the most similar one of several.
            _, path = max(similar, key=lambda item: (item[1].startswith(path), item[0]))
            part_type = built['type']
    return path, part_type


def _is_equal(part: Any, built: Any) -> bool:
    return str(part) == str(built)  # arrays and tensors compare item by item
