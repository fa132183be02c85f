"""The config of one run: a file, and what the command line changes in it."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config

from mmvis.errors import UserKeyError

__all__ = ['read_run_config']


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
        KeyError: If it lacks what every run needs.
    """
    if not Path(config).is_file():
        raise FileNotFoundError(
            'there is no such config file. The shipped ones are in configs/, e.g. '
            'configs/ifc_r50.py.'
        )
    cfg = Config.fromfile(config)
    if cfg_options:
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
    return cfg
