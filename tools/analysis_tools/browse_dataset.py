"""Write what the training pipeline of a config makes: clips with masks and ids."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import set_random_seed
from mmengine.utils import ProgressBar

from mmvis.engine.command_line import ToolArgumentParser
from mmvis.engine.user_errors import user_errors
from mmvis.errors import UserKeyError, UserValueError
from mmvis.registry import DATASETS
from mmvis.visualization import VISVisualizer


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ToolArgumentParser(__doc__)
    parser.add_argument('config', help='config file, e.g. configs/ifc_r50.py')
    parser.add_argument(
        '--out-dir',
        type=Path,
        default=Path('work_dirs/browse_dataset'),
        help='folder for the pictures (default: work_dirs/browse_dataset)',
    )
    parser.add_argument(
        '--num-clips', type=int, default=8, help='clips to draw (default: 8)'
    )
    parser.add_argument(
        '--num-frames', type=int, default=8, help='frames per picture (default: 8)'
    )
    parser.add_argument('--seed', type=int, default=0, help='default: 0')
    parser.add_cfg_options('train_dataloader.dataset.data_root=DIR')
    return parser.parse_args()


def write_clips(cfg: Config, args: argparse.Namespace) -> None:
    """Draw clips of evenly spaced videos of the training set.

    Raises:
        KeyError: If the config has no training set.
        ValueError: If no clip is asked for.
    """
    if 'train_dataloader' not in cfg:
        raise UserKeyError(
            '`train_dataloader` is missing, so there is nothing to draw.'
        )
    if args.num_clips < 1:
        raise UserValueError(f'--num-clips must be at least 1, got {args.num_clips}.')
    init_default_scope(cfg.get('default_scope', 'mmvis'))
    set_random_seed(args.seed)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    visualizer = VISVisualizer()
    visualizer.dataset_meta = dataset.metainfo
    num_clips = min(args.num_clips, len(dataset))
    progress = ProgressBar(num_clips)
    for index in np.linspace(0, len(dataset) - 1, num_clips).astype(int).tolist():
        clip = dataset[index]
        visualizer.add_datasample(
            str(index),
            list(clip['inputs'].numpy().transpose(0, 2, 3, 1)),  # (H, W, 3) each
            clip['data_samples'],
            out_file=str(args.out_dir / f'{index:05d}.png'),
            num_frames=args.num_frames,
        )
        progress.update()
    print(f'\nwrote {num_clips} pictures to {args.out_dir}')


def main() -> None:
    """Draw clips of the training set."""
    args = parse_args()
    with user_errors(args.config):
        cfg = Config.fromfile(args.config)
        if args.cfg_options is not None:
            cfg.merge_from_dict(args.cfg_options)
    with user_errors(args.config, cfg):
        write_clips(cfg, args)


if __name__ == '__main__':
    main()
