"""Trackers of experiments: TensorBoard and Weights & Biases."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmvis.errors import UserValueError

__all__ = ['TRACKERS', 'add_tracker']

#: Name, which is that of the package, -> backend of the visualizer.
TRACKERS = {'tensorboard': 'TensorboardVisBackend', 'wandb': 'WandbBackend'}


def add_tracker(cfg: Config, name: str) -> None:
    """Send losses, metrics and pictures of validation videos to a tracker.

    Args:
        cfg (Config): Config of a training with a ``work_dir``, changed in place.
        name (str): 'tensorboard' (files in vis_data of the run) or 'wandb' (a run of
            the project 'mmvis', named as the work directory).

    Raises:
        ValueError: If the package is not installed.
    """
    if find_spec(name) is None:
        raise UserValueError(
            f'--track {name} needs the package {name}, which is not installed. '
            f'Install it: pip install {name}'
        )
    backend: dict[str, Any] = dict(type=TRACKERS[name])
    if name == 'wandb':
        run_name = Path(cfg.work_dir).resolve().name
        backend['init_kwargs'] = dict(project='mmvis', name=run_name)
    visualizer = dict(cfg.get('visualizer') or dict(type='Visualizer'))
    backends = list(visualizer.get('vis_backends') or [dict(type='LocalVisBackend')])
    if not any(_is_of_type(given, backend['type']) for given in backends):
        cfg.visualizer = {**visualizer, 'vis_backends': [*backends, backend]}
    hooks = list(cfg.get('custom_hooks') or [])
    if not any(_is_of_type(hook, 'ValidationImagesHook') for hook in hooks):
        cfg.custom_hooks = [*hooks, dict(type='ValidationImagesHook')]


def _is_of_type(part: Any, name: str) -> bool:
    return isinstance(part, dict) and part.get('type') == name
