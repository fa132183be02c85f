"""Conversion of one checkpoint file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mmengine.config import ConfigDict
from mmengine.logging import print_log
from mmengine.registry import init_default_scope
from torch import Tensor

import mmvis.models  # noqa: F401  (registers the models)
from mmvis.atomic_file import check_output
from mmvis.converters.checkpoint_file import read_tensors, write_checkpoint
from mmvis.engine.run_config import read_config
from mmvis.engine.user_errors import user_errors
from mmvis.registry import MODELS

__all__ = ['convert_file', 'initial_weights', 'load_model_cfg']

Convert = Callable[[dict[str, Tensor]], dict[str, Tensor]]


def load_model_cfg(config: str | Path) -> ConfigDict:
    """The model of a config, without pretrained weights, ready to be built."""
    init_default_scope('mmvis')
    model_cfg = read_config(config).model
    model_cfg.backbone.init_cfg = None
    return model_cfg


def initial_weights(model_cfg: ConfigDict) -> dict[str, Tensor]:
    """Weights of a model, or of a part of it, before training: names and shapes."""
    return MODELS.build(model_cfg).state_dict()


def convert_file(
    src: str, dst: str, convert: Convert, *, key: str = 'state_dict'
) -> None:
    """Read a checkpoint, convert it and write it; exit with an error if it is wrong.

    Args:
        src (str): Checkpoint to read.
        dst (str): Checkpoint to write.
        convert (Convert): Turns the tensors of ``src`` into those of ``dst``.
        key (str): Under which a ``.pth`` file holds them. Defaults to 'state_dict'.

    Raises:
        SystemExit: If ``src`` cannot be read or is not what it should be.
    """
    with user_errors(src):
        check_output(dst, src)
        weights = convert(read_tensors(src))
        write_checkpoint(weights, dst, dict(source=src), key=key)
    print_log(f'Wrote {len(weights)} weights to {dst}')
