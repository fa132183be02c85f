"""Find the objects of videos: tracks as json, an overlay video and an image."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmvis.engine.command_line import ToolArgumentParser
from mmvis.engine.user_errors import user_errors
from mmvis.terminal import printable

__all__ = ['add_options', 'main', 'predict']

EXAMPLES = """examples:
  with weights of your own:
    mmvis predict dog.mp4 --model configs/ifc_r50.py --checkpoint ifc_r50.pth
  a folder of frames, tracks as a table too:
    mmvis predict frames/ --model ifc_r50 --checkpoint ifc_r50.pth --formats video csv
  a webcam, until Ctrl-C:
    mmvis predict 0 --model ifc_r50 --checkpoint ifc_r50.pth --formats video jsonl
  every third frame, with interpolated masks between:
    mmvis predict dog.mp4 --model ifc_r50 --checkpoint ifc_r50.pth \\
        --cfg-options model.test_cfg.frame_stride=3
"""


def main(args: Sequence[str] | None = None) -> None:
    """Predict.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    parser = ToolArgumentParser(__doc__, EXAMPLES)
    parser.add_argument('video', help=VIDEO_HELP)
    parser.add_argument(
        '--model',
        dest='config',
        metavar='MODEL',
        help='config file, or the name of a shipped one',
    )
    parser.add_argument(
        '--checkpoint', help='its weights (default: those published under its name)'
    )
    add_options(parser)
    options = parser.parse_args(args)
    if options.config is None:
        parser.error(f'--model is missing. {_WHERE_WEIGHTS_ARE}')
    if options.checkpoint is None and Path(options.config).suffix:
        parser.error(
            f'--checkpoint is missing: {options.config} is a config file, whose '
            f'weights are random. {_WHERE_WEIGHTS_ARE}'
        )
    predict(options)


_WHERE_WEIGHTS_ARE = (
    'No weights come with mmvis. `mmvis models --published` lists the models whose '
    'authors publish theirs, which are downloaded once: --model tevit_msgshift finds '
    'the 40 classes of YouTube-VIS. For classes of your own, train a small model on '
    'annotated videos: docs/own_data.md.'
)


VIDEO_HELP = (
    'video file, folder or glob of frames or of videos, URL, or the number of a webcam'
)


def add_options(parser: ToolArgumentParser) -> None:
    """Add the options of every prediction."""
    from mmvis.outputs import DEFAULT_FORMATS, FORMATS

    parser.add_argument(
        '--out-dir', default='outputs', help='output folder (default: outputs)'
    )
    parser.add_argument('--device', help='e.g. cpu or cuda:1 (default: a GPU if any)')
    parser.add_argument(
        '--score-thr',
        type=float,
        default=0.3,
        help='draw tracks with at least this score (default: 0.3)',
    )
    parser.add_argument(
        '--formats',
        nargs='+',
        choices=tuple(FORMATS),
        default=DEFAULT_FORMATS,
        help=f'what to write (default: {" ".join(DEFAULT_FORMATS)})',
    )
    parser.add_argument(
        '--fps', type=float, help='frames per second (default: those of the video)'
    )
    parser.add_argument(
        '--on-damage',
        choices=('warn', 'stop'),
        default='warn',
        help='a damaged video: use all readable frames and warn, or stop '
        '(default: warn)',
    )
    parser.add_argument(
        '--fast',
        action='store_true',
        help='rewrite the network for inference; outputs differ by rounding, on a GPU '
        'and on a CPU with AMX by that of half precision',
    )
    parser.add_cfg_options('model.test_cfg.clip_stride=3')


def predict(options: argparse.Namespace) -> None:
    """Run a model on videos, and list their best tracks.

    Args:
        options (Namespace): ``video``, ``config``, ``checkpoint``, and what
            :func:`add_options` adds.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    from mmvis.apis import VISInferencer

    with user_errors(options.config):
        inferencer = VISInferencer(
            options.config,
            options.checkpoint,
            options.device,
            options.cfg_options,
            fast=options.fast,
        )
        results = inferencer(
            options.video,
            out_dir=options.out_dir,
            score_thr=options.score_thr,
            formats=options.formats,
            fps=options.fps,
            on_damage=options.on_damage,
        )
    for result in results if isinstance(results, list) else [results]:
        name = printable(result.name)
        print(f'\n{name}: {len(result)} tracks in {result.video_len} frames')
        for track in sorted(result, key=lambda track: -track.score)[:10]:
            name = printable(track.name)
            print(f'  {name:16s} {track.score:.3f}  in {len(track.frames)} frames')
