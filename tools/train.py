"""Train a model from a config file."""

from __future__ import annotations

import argparse

import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmvis.engine.command_line import RunArgumentParser
from mmvis.engine.distributed import use_cpu_processes
from mmvis.engine.resuming import find_last_checkpoint
from mmvis.engine.run_config import read_run_config
from mmvis.engine.user_errors import user_errors
from mmvis.errors import UserValueError

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
  go on after an interruption; the result is that of an uninterrupted training:
    python tools/train.py configs/ifc_r50.py --work-dir out --resume
  start from the weights of another training, class heads excepted:
    python tools/train.py configs/ifc_r50.py --cfg-options load_from=coco.pth

Checkpoints, logs and the full config are written to the work directory. A config
is made of _base_ files; KEY=VALUE of --cfg-options overrides any of its values.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = RunArgumentParser(
        __doc__,
        EXAMPLES,
        work_dir_help='output folder',
        cfg_options_help='optim_wrapper.optimizer.lr=5e-5; lists as key="[a,b]", '
        'without white space',
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on with a training, from its last checkpoint in the work directory '
        'or from the one given; where there is none, start',
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
        '--seed', type=int, help='of everything random (default: drawn, and logged)'
    )
    return parser.parse_args()


def apply_options(cfg: Config, args: argparse.Namespace) -> None:
    """Put the options of training into the config.

    Raises:
        ValueError: If an option cannot be had with this config or machine.
    """
    if args.seed is not None:
        cfg.merge_from_dict({'randomness.seed': args.seed})
    if args.amp:
        if not torch.cuda.is_available():
            raise UserValueError(
                '--amp needs a GPU, and torch finds none. Leave it out.'
            )
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.auto_scale_lr:
        if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
            raise UserValueError(
                '--auto-scale-lr needs `auto_scale_lr.base_batch_size`: the clips of '
                'all GPUs together that the learning rate of the config is meant for.'
            )
        cfg.auto_scale_lr.enable = True
    if args.resume is not None:
        is_auto = args.resume == 'auto'
        checkpoint = find_last_checkpoint(cfg.work_dir) if is_auto else args.resume
        cfg.resume = checkpoint is not None
        if cfg.resume:
            cfg.load_from = checkpoint


def main() -> None:
    """Train."""
    args = parse_args()
    with user_errors(args.config):
        cfg = read_run_config(
            args.config, args.cfg_options, args.work_dir, args.launcher
        )
        apply_options(cfg, args)
        use_cpu_processes(cfg)
    with user_errors(args.config, cfg):
        Runner.from_cfg(cfg).train()


if __name__ == '__main__':
    main()
