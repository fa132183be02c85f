"""Generate ShapesVIS, a synthetic data set in the format of YouTube-VIS."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mmvis.engine.command_line import ToolArgumentParser, seed
from mmvis.engine.user_errors import user_errors
from mmvis.progress import Progress

if TYPE_CHECKING:
    from mmvis.datasets.shapes_vis import ShapesVISSpec

EXAMPLES = """examples:
  in seconds, to try things out:
    mmvis data shapes data/shapes_mini --size mini
  with other numbers:
    mmvis data shapes data/shapes --num-train 100 --height 180 --width 320 --seed 1
"""

#: Names of the sizes; the sizes themselves need MMDetection.
SIZES = ('mini', 'small')


def parse_args(args: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = ToolArgumentParser(__doc__, EXAMPLES)
    parser.add_argument('out', help='output folder; not changed if it is finished')
    parser.add_argument(
        '--size',
        choices=SIZES,
        default='small',
        help='named size (default: small)',
    )
    parser.add_argument('--num-train', type=int, help='training videos')
    parser.add_argument('--num-valid', type=int, help='validation videos')
    parser.add_argument('--num-frames', type=int, help='frames of each video')
    parser.add_argument(
        '--num-valid-frames', type=int, help='frames of each validation video'
    )
    parser.add_argument('--height', type=int, help='height in pixels')
    parser.add_argument('--width', type=int, help='width in pixels')
    parser.add_argument('--seed', type=seed, help='seed of the set (default: 0)')
    parser.add_argument(
        '--workers', type=int, default=1, help='processes that render (default: 1)'
    )
    return parser.parse_args(args)


def spec_from_args(args: argparse.Namespace) -> ShapesVISSpec:
    """Apply the given options to the named size."""
    from mmvis.datasets import shapes_vis

    num_valid_frames = args.num_valid_frames
    if num_valid_frames is None:
        num_valid_frames = args.num_frames
    given = dict(
        num_train=args.num_train,
        num_valid=args.num_valid,
        num_train_frames=args.num_frames,
        num_valid_frames=num_valid_frames,
        height=args.height,
        width=args.width,
        seed=args.seed,
    )
    given = {name: value for name, value in given.items() if value is not None}
    return replace(shapes_vis.SIZES[args.size], **given)


def main(args: Sequence[str] | None = None) -> None:
    """Generate the set and say where it lies.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    options = parse_args(args)

    from mmvis.datasets.shapes_vis import generate_shapes_vis, is_finished

    with user_errors():
        spec = spec_from_args(options)
        if is_finished(options.out, spec):
            print(f'{options.out} exists already and is not changed')
            return
        with Progress('shapes', spec.num_train + spec.num_valid, 'video') as progress:
            generate_shapes_vis(options.out, spec, options.workers, progress.advance)
    print(f'{options.out}: done')
