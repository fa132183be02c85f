"""Create the initial weights of a VisTR from a DETR trained on COCO."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmvis import converters
from mmvis.engine.command_line import ConverterArgumentParser, seed
from mmvis.zoo import find_config

EXAMPLES = """examples:
  # a DETR with hidden size 384, with or without its mask branch
  mmvis convert detr detr_r50_384.pth start.pth
  tools/dist_train.sh configs/vistr_r50.py 8 --cfg-options load_from=start.pth
"""


def parse_args(args: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = ConverterArgumentParser(
        __doc__,
        examples=EXAMPLES,
        src_help='checkpoint of DETR',
        default_config='by the depth of its ResNet',
        has_reverse=False,
    )
    parser.add_argument(
        '--seed', type=seed, default=0, help='seed of the weights that DETR lacks'
    )
    return parser.parse_args(args)


def main(args: Sequence[str] | None = None) -> None:
    """Convert one file.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    options = parse_args(args)

    import torch

    from mmvis.converters.convert_file import convert_file

    torch.manual_seed(options.seed)
    fresh: list[str] = []
    convert_file(
        options.src,
        options.dst,
        lambda tensors: convert(tensors, options.config, fresh),
    )
    print('Initialised randomly:')
    print('\n'.join(f'  {name}' for name in fresh))


def convert(tensors: dict, config: str | Path | None, fresh: list[str]) -> dict:
    """Turn DETR's weights into those of a model; list the random ones."""
    if config is None:
        is_r101 = any('body.layer3.6.' in name for name in tensors)
        config = find_config('vistr_r101' if is_r101 else 'vistr_r50')
    expected = converters.initial_weights(converters.load_model_cfg(config))
    weights, names = converters.convert_detr(tensors, expected)
    fresh += names
    return weights
