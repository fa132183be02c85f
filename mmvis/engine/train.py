"""Training of a model from a config file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmengine.config import Config

from mmvis.engine.command_line import RunArgumentParser, seed
from mmvis.engine.run_lock import run_lock
from mmvis.engine.tracking import TRACKERS, add_tracker
from mmvis.engine.user_errors import user_errors
from mmvis.errors import UserValueError

if TYPE_CHECKING:
    from torch import nn

__all__ = ['main', 'train']

EXAMPLES = """examples:
  one process, on the GPU if there is one:
    python tools/train.py configs/ifc_r50.py
  8 GPUs (or 8 processes on the CPU):
    tools/dist_train.sh configs/ifc_r50.py 8
  fewer GPUs, with the learning rate scaled to the smaller batch:
    tools/dist_train.sh configs/ifc_r50.py 2 --auto-scale-lr
  your data, another output folder, mixed precision:
    python tools/train.py configs/ifc_r50.py --work-dir out --amp --cfg-options \\
        train_dataloader.dataset.data_root=/data/mine train_cfg.max_iters=2000
  resume after an interruption; the result is that of an uninterrupted training:
    python tools/train.py configs/ifc_r50.py --work-dir out --resume
  start from the weights of another training, class heads excepted:
    python tools/train.py configs/ifc_r50.py --cfg-options load_from=coco.pth

Checkpoints, logs and the full config are written to the work directory. The console
shows progress and warnings, the log file everything. A config
is made of _base_ files; KEY=VALUE of --cfg-options overrides any of its values.
"""


def main(args: Sequence[str] | None = None) -> None:
    """Train, as the command line says.

    Args:
        args (Sequence[str], optional): Its words. Defaults to those of this process.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    options = parse_args(args)

    from mmvis.engine.run_config import read_run_config

    with user_errors(options.config):
        cfg = read_run_config(options, 'train')
        apply_options(cfg, options)
    with user_errors(options.config, cfg):
        train(cfg)


def train(cfg: Config) -> nn.Module:
    """Train a model.

    Args:
        cfg (Config): A config with ``work_dir`` and ``launcher``, as
            :func:`~mmvis.engine.run_config.read_run_config` gives it. Its
            ``runner_type`` is built, MMEngine's ``Runner`` if it names none.

    Returns:
        Module: The trained model.

    Raises:
        ValueError: If the config does not say how to train, or another training is
            in the work directory.
    """
    from mmvis.engine.checkpoint_schemes import use_safe_checkpoint_files
    from mmvis.engine.console import log_warnings
    from mmvis.engine.distributed import choose_strategy, use_cpu_processes
    from mmvis.registry import RUNNERS

    missing = [
        name
        for name in ('train_dataloader', 'train_cfg', 'optim_wrapper')
        if cfg.get(name) is None
    ]
    if missing:
        raise UserValueError(
            f'`{"`, `".join(missing)}` {"is" if len(missing) == 1 else "are"} needed '
            'for a training; see configs/_base_/datasets and configs/_base_/schedules.'
        )
    use_safe_checkpoint_files()
    choose_strategy(cfg)
    with run_lock(cfg.work_dir, 'train', cfg.launcher), log_warnings():
        use_cpu_processes(cfg)
        return RUNNERS.build(cfg).train()


def parse_args(args: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = RunArgumentParser(
        'Train a model from a config file.',
        EXAMPLES,
        work_dir_help='output folder',
        cfg_options_help='optim_wrapper.optimizer.lr=5e-5; lists as key="[a,b]"',
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='resume a training from its last checkpoint in the work directory '
        'or from the one given; where there is none, start',
    )
    parser.add_argument(
        '--track',
        choices=TRACKERS,
        help='show losses, AP and pictures of predictions in TensorBoard or in Weights '
        '& Biases',
    )
    parser.add_argument(
        '--amp', action='store_true', help='mixed precision (needs a GPU)'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help="scale the learning rate by actual batch size / the config's "
        'auto_scale_lr.base_batch_size',
    )
    parser.add_argument(
        '--seed', type=seed, help='of everything random (default: drawn, and logged)'
    )
    return parser.parse_args(args)


def apply_options(cfg: Config, options: argparse.Namespace) -> None:
    """Put the options of training into the config.

    Raises:
        ValueError: If an option is not available with this config or machine.
    """
    if options.track is not None:
        add_tracker(cfg, options.track)
    if options.seed is not None:
        cfg.merge_from_dict({'randomness.seed': options.seed})
    if options.amp:
        import torch

        if not torch.cuda.is_available():
            raise UserValueError(
                '--amp needs a GPU, and torch finds none. Leave it out.'
            )
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if options.auto_scale_lr:
        if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
            raise UserValueError(
                '--auto-scale-lr needs `auto_scale_lr.base_batch_size`: the clips of '
                'all GPUs together that the learning rate of the config is meant for.'
            )
        cfg.auto_scale_lr.enable = True
    if options.resume is not None:
        from mmvis.engine.resuming import find_last_checkpoint

        is_auto = options.resume == 'auto'
        checkpoint = find_last_checkpoint(cfg.work_dir) if is_auto else options.resume
        cfg.resume = checkpoint is not None
        if cfg.resume:
            cfg.load_from = checkpoint
