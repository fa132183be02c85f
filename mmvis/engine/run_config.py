"""Config of a run: a file, and the options of the command line."""

from __future__ import annotations

import argparse
import inspect
import traceback
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.utils import import_modules_from_strings

from mmvis.engine.class_count import (
    count_classes,
    has_open_classes,
    set_num_classes,
)
from mmvis.engine.config_parts import similar_names
from mmvis.engine.config_references import resolve_references
from mmvis.engine.config_types import check_types
from mmvis.engine.config_values import check_values
from mmvis.errors import UserError, UserKeyError, UserTypeError, UserValueError
from mmvis.stack import read_yaml_safely
from mmvis.zoo import find_config

__all__ = ['merge_options', 'read_config', 'read_run_config']

# Keys of a config that a run reads beside the arguments of a runner.
_READ_BY_TOOLS = ('runner_type', 'strategy', 'compile', 'custom_imports', 'verbose')


def read_config(path: str | Path) -> Config:
    """Read a config file, a Python file that is run, or one of plain YAML or JSON.

    Its text in logs and checkpoints is as MMEngine lays it out, without a formatter,
    which takes seconds each of the five times that a run needs it.

    Args:
        path (str | Path): The file.

    Returns:
        Config: Its content, with that of its bases.

    Raises:
        FileNotFoundError: If there is no such file.
        SyntaxError: If it is not Python.
        ValueError: If running it fails.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            'there is no such config file. The shipped ones are in configs/, e.g. '
            'configs/ifc_r50.py.'
        )
    read_yaml_safely()
    try:
        cfg = Config.fromfile(path)
    except (UserError, OSError, SyntaxError):
        raise
    except (Exception, SystemExit) as error:
        message = f'{type(error).__name__}: {error}'
        if isinstance(error, RecursionError):
            message += '. Is the file its own `_base_`, or a list a part of itself?'
        raise UserValueError(
            f'the config cannot be read{_config_line(error)}: {message}'
        ) from error
    # `fromfile` takes `format_python_code` as well, and ignores it.
    return Config(
        cfg.to_dict(),
        cfg_text=cfg.text,
        filename=cfg.filename,
        env_variables=cfg.env_variables,
        format_python_code=False,
    )


def merge_options(cfg: Config, cfg_options: dict | None) -> None:
    """Override values of a config, and import its ``custom_imports`` if they are new.

    References to values at the top of the config are replaced by these afterwards, see
    :func:`~mmvis.engine.config_references.resolve_references`.

    Args:
        cfg (Config): What was read from a file, changed in place.
        cfg_options (dict, optional): Values by dotted key.

    Raises:
        KeyError: If there is no value for a reference.
        TypeError: If the options are no dict.
        ValueError: If a key is not that of a part of the config, or a module cannot be
            imported; the message names it.
    """
    if cfg_options is not None and not isinstance(cfg_options, dict):
        raise UserTypeError(
            '`cfg_options` must be a dict of values by dotted key, got '
            f'{cfg_options!r:.60}.'
        )
    for key, value in (cfg_options or {}).items():
        if not isinstance(key, str) or not all(key.split('.')):
            raise UserValueError(
                f'{key!r} is no key of a config. Expected is a dotted path such as '
                "'model.head.num_queries'."
            )
        try:
            cfg.merge_from_dict({key: value})
        except (AssertionError, LookupError, TypeError, ValueError) as error:
            # MMEngine's advice on a dict where the file has none is for files.
            remedy = ' Give the whole dict.' if '_delete_' in str(error) else ''
            reason = str(error).partition(' You may set')[0]
            raise UserValueError(f'{key}={value}: {reason}{remedy}') from error
    if any(key.split('.')[0] == 'custom_imports' for key in cfg_options or {}):
        _import_modules(cfg.custom_imports)
    resolve_references(cfg)


def _import_modules(custom_imports: Any) -> None:
    try:
        import_modules_from_strings(**custom_imports)
    except Exception as error:  # whatever the modules do
        raise UserValueError(
            f'`custom_imports` is {custom_imports}, expected dict(imports=[...]) with '
            f'names of modules in PYTHONPATH: {type(error).__name__}: {error}.'
        ) from error


def read_run_config(options: argparse.Namespace, phase: str = 'train') -> Config:
    """Read a config file and apply the options that all tools have.

    Where the model has ``num_classes=None``, the classes of the data set are counted.

    Args:
        options (Namespace): What :class:`~mmvis.engine.command_line.RunArgumentParser`
            has parsed. ``work_dir``, the folder for everything that the run writes,
            may be None: then it is the config's, or ./work_dirs/NAME for NAME.py.
        phase (str): What the run does, 'train' or 'test'. Defaults to 'train'.

    Returns:
        Config: What a runner is built from.

    Raises:
        FileNotFoundError: If there is no such file, or none with annotations.
        KeyError: If no shipped config has that name, or it lacks what every run needs,
            or an option sets a part that nothing reads.
        TypeError: If a value has another type than the part of mmvis that takes it.
        ValueError: If running it fails, or a value is not valid.
    """
    cfg = read_config(find_config(options.config))
    _check_first_keys(cfg, options.cfg_options or {})
    merge_options(cfg, options.cfg_options)
    if 'model' not in cfg:
        raise UserKeyError(
            '`model` is missing. A config to run is one that names a model, as '
            'configs/ifc_r50.py, not one of configs/_base_/.'
        )
    if options.work_dir is not None:
        cfg.work_dir = options.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(options.config).stem))
    cfg.launcher = options.launcher
    cfg.verbose = options.verbose or cfg.get('verbose', False)
    if has_open_classes(cfg.model):
        set_num_classes(cfg.model, count_classes(cfg, phase))
    check_values(cfg.to_dict())
    check_types(cfg.to_dict())
    _load_seen_frames_only(cfg)
    return cfg


def _check_first_keys(cfg: Config, cfg_options: dict) -> None:
    """Refuse options of parts that neither the config nor a runner has."""
    runner_args = inspect.signature(Runner.__init__).parameters.keys() - {'self'}
    known = sorted({*cfg, *runner_args, *_READ_BY_TOOLS})
    for key in cfg_options:
        first = key.split('.')[0]
        if first in known:
            continue
        raise UserKeyError(
            f'--cfg-options {key}: there is no part {first!r} in the config, and no '
            f'run reads one.{similar_names(first, known)} `mmvis config NAME` prints '
            'the config.'
        )


def _load_seen_frames_only(cfg: Config) -> None:
    """Tell the samplers of validation and test which frames the model sees."""
    frame_stride = (cfg.model.get('test_cfg') or {}).get('frame_stride', 1)
    for name in ('val_dataloader', 'test_dataloader'):
        sampler = (cfg.get(name) or {}).get('sampler') or {}
        if sampler.get('type') != 'VideoChunkSampler':
            continue
        if sampler.get('frame_stride', frame_stride) != frame_stride:
            raise UserValueError(
                f'`{name}.sampler.frame_stride` is {sampler["frame_stride"]}, but the '
                f'model sees every {frame_stride}. frame. Leave it out, and set '
                '`model.test_cfg.frame_stride`.'
            )
        sampler['frame_stride'] = frame_stride


def _config_line(error: BaseException) -> str:
    """Where the code of a config failed, e.g. ' (line 3 of a.py)'."""
    # MMEngine runs the code in a namespace without a name.
    lines = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if '__name__' not in frame.f_globals
    ]
    return f' (line {lines[-1][1]} of {lines[-1][0]})' if lines else ''
