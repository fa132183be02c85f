"""Config of a run: a file, and the options of the command line."""

from __future__ import annotations

import difflib
import inspect
import traceback
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from mmvis.engine.config_values import check_values
from mmvis.errors import UserError, UserKeyError, UserValueError

__all__ = ['read_config', 'read_run_config']

# Keys of a config that a run reads beside the arguments of a runner.
_READ_BY_TOOLS = ('runner_type', 'strategy', 'compile')


def read_config(path: str | Path) -> Config:
    """Read a config file, a Python file that is run.

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
    try:
        cfg = Config.fromfile(path)
    except (UserError, OSError, SyntaxError):
        raise
    except Exception as error:
        message = f'{type(error).__name__}: {error}'
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


def read_run_config(
    config: str,
    cfg_options: dict | None = None,
    work_dir: str | None = None,
    launcher: str = 'none',
) -> Config:
    """Read a config file and apply the options that all tools have.

    Args:
        config (str): Path of the config file.
        cfg_options (dict, optional): Values by dotted key.
        work_dir (str, optional): Folder for everything that the run writes.
            Defaults to None: the config's ``work_dir``, or ./work_dirs/NAME for a
            config NAME.py.
        launcher (str): 'none', 'pytorch', 'slurm' or 'mpi'. Defaults to 'none'.

    Returns:
        Config: What a runner is built from.

    Raises:
        FileNotFoundError: If there is no such file.
        KeyError: If it lacks what every run needs, or an option sets a part that
            nothing reads.
        TypeError: If the model is not a dict.
        ValueError: If running it fails, or a value is not valid.
    """
    cfg = read_config(config)
    if cfg_options:
        _check_first_keys(cfg, cfg_options)
        cfg.merge_from_dict(cfg_options)
    if 'model' not in cfg:
        raise UserKeyError(
            '`model` is missing. A config to run is one that names a model, as '
            'configs/ifc_r50.py, not one of configs/_base_/.'
        )
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(config).stem))
    cfg.launcher = launcher
    check_values(cfg.to_dict())
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
        similar = difflib.get_close_matches(first, known, n=2)
        hint = f' Did you mean {" or ".join(similar)}?' if similar else ''
        raise UserKeyError(
            f'--cfg-options {key}: there is no part {first!r} in the config, and no '
            f'run reads one.{hint} `mmvis config NAME` prints the config.'
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
                f'`{name}.sampler.frame_stride` is {sampler.frame_stride}, but the '
                f'model sees every {frame_stride}. frame. Leave it out, and set '
                '`model.test_cfg.frame_stride`.'
            )
        sampler.frame_stride = frame_stride


def _config_line(error: Exception) -> str:
    """Where the code of a config failed, e.g. ' (line 3 of a.py)'."""
    # MMEngine runs the code in a namespace without a name.
    lines = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if '__name__' not in frame.f_globals
    ]
    return f' (line {lines[-1][1]} of {lines[-1][0]})' if lines else ''
