"""Conversion of one checkpoint file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmengine.logging import print_log
from mmengine.registry import init_default_scope
from mmengine.runner.checkpoint import save_checkpoint
from torch import Tensor

import mmvis.engine  # makes MMEngine write checkpoints atomically
import mmvis.models  # noqa: F401  (registers the models)
from mmvis.converters.checkpoint_file import read_tensors
from mmvis.errors import UserError

__all__ = ['convert_file', 'load_model_cfg']


def load_model_cfg(config: str | Path) -> ConfigDict:
    """The model of a config, without pretrained weights, ready to be built."""
    init_default_scope('mmvis')
    model_cfg = Config.fromfile(config).model
    model_cfg.backbone.init_cfg = None
    return model_cfg


def convert_file(
    src: str, dst: str, convert: Callable[[dict[str, Tensor]], dict[str, Tensor]]
) -> None:
    """Read a checkpoint, convert it, write it; leave with what is wrong in ``src``.

    Args:
        src (str): Checkpoint to read.
        dst (str): Checkpoint to write.
        convert (Callable): Turns the tensors of ``src`` into mmvis weights.

    Raises:
        SystemExit: If ``src`` cannot be read or is not what it should be.
    """
    try:
        weights = convert(read_tensors(src))
    except (UserError, OSError) as error:
        sys.exit(f'{src}: {error}')
    save_checkpoint(dict(state_dict=weights, meta=dict(source=src)), dst)
    print_log(f'Wrote {len(weights)} weights to {dst}')
