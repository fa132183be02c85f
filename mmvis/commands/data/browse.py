"""Draw the clips of the training pipeline of a config, with masks and ids."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config

from mmvis.engine.command_line import ToolArgumentParser, positive_int, seed
from mmvis.engine.config_types import check_types
from mmvis.engine.config_values import check_values
from mmvis.engine.user_errors import user_errors
from mmvis.errors import UserKeyError
from mmvis.progress import Progress
from mmvis.zoo import find_config

EXAMPLES = """examples:
  mmvis data browse ifc_r50 --num-clips 16
  mmvis data browse my_config.py --cfg-options train_dataloader.dataset.data_root=DIR
"""


def parse_args(args: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = ToolArgumentParser(__doc__, EXAMPLES)
    parser.add_argument('config', help='config file, or the name of a shipped one')
    parser.add_argument(
        '--out-dir',
        type=Path,
        default=Path('work_dirs/browse_dataset'),
        help='folder for the images (default: work_dirs/browse_dataset)',
    )
    parser.add_argument(
        '--num-clips', type=positive_int, default=8, help='clips to draw (default: 8)'
    )
    parser.add_argument(
        '--num-frames',
        type=positive_int,
        default=8,
        help='frames per image (default: 8)',
    )
    parser.add_argument('--seed', type=seed, default=0, help='default: 0')
    parser.add_cfg_options('train_dataloader.dataset.data_root=DIR')
    return parser.parse_args(args)


def write_clips(cfg: Config, options: argparse.Namespace) -> None:
    """Draw clips of evenly spaced videos of the training set.

    Raises:
        KeyError: If the config has no training set.
    """
    from mmengine.registry import init_default_scope
    from mmengine.runner import set_random_seed

    from mmvis.registry import DATASETS
    from mmvis.visualization import VISVisualizer

    if 'train_dataloader' not in cfg:
        raise UserKeyError(
            '`train_dataloader` is missing, so there is nothing to draw.'
        )
    init_default_scope(cfg.get('default_scope', 'mmvis'))
    set_random_seed(options.seed)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    visualizer = VISVisualizer()
    visualizer.dataset_meta = dataset.metainfo
    num_clips = min(options.num_clips, len(dataset))
    with Progress('browse', num_clips, 'clip') as progress:
        for index in np.linspace(0, len(dataset) - 1, num_clips).astype(int).tolist():
            clip = dataset[index]
            visualizer.add_datasample(
                str(index),
                list(clip['inputs'].numpy().transpose(0, 2, 3, 1)),  # (H, W, 3) each
                clip['data_samples'],
                out_file=str(options.out_dir / f'{index:05d}.png'),
                num_frames=options.num_frames,
            )
            progress.advance()
    print(f'wrote {num_clips} images to {options.out_dir}')


def main(args: Sequence[str] | None = None) -> None:
    """Draw clips of the training set.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    options = parse_args(args)

    from mmvis.engine.run_config import merge_options, read_config

    with user_errors(options.config):
        cfg = read_config(find_config(options.config))
        merge_options(cfg, options.cfg_options)
        content = dict(model={}, train_dataloader=cfg.to_dict().get('train_dataloader'))
        check_values(content)
        check_types(content)
    with user_errors(options.config, cfg):
        write_clips(cfg, options)
