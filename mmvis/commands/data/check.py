"""Find every fault of a set of annotations, and write a copy without them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from mmvis.atomic_file import check_output
from mmvis.engine.command_line import ToolArgumentParser, positive_int
from mmvis.engine.user_errors import user_errors
from mmvis.labels import check_labels

__all__ = ['main']

EXAMPLES = """examples:
  a json of YouTube-VIS, and the frames that it names:
    mmvis data check data/own/train.json --frames data/own/JPEGImages
  a json of COCO:
    mmvis data check instances.json --format coco
  and pictures of the frames with the most faults:
    mmvis data check train.json --frames JPEGImages --show-dir faults
  a copy without the faults:
    mmvis data check train.json --fix train_clean.json

The exit status is 0 if there is no fault or a clean copy was written, else 1.
"""


def main(args: Sequence[str] | None = None) -> None:
    """Check annotations.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With status 1 if there are faults and no copy is written; with
            status 2 and one message, after a mistake of the user.
    """
    parser = ToolArgumentParser(__doc__, EXAMPLES)
    parser.add_argument('ann_file', metavar='ANN', type=Path, help='json, json.gz')
    parser.add_argument(
        '--format',
        choices=['ytvis', 'coco'],
        default='ytvis',
        help='its format (default: ytvis)',
    )
    parser.add_argument(
        '--frames',
        metavar='DIR',
        type=Path,
        help='folder that its file names are relative to: frames and sizes are checked',
    )
    parser.add_argument(
        '--fix', metavar='OUT', type=Path, help='write a copy without the faults'
    )
    parser.add_argument(
        '--examples',
        type=positive_int,
        default=3,
        metavar='N',
        help='faults shown of each kind (default: 3)',
    )
    parser.add_argument(
        '--show-dir',
        metavar='DIR',
        type=Path,
        help='draw the frames with the most faults: masks, boxes and what is wrong',
    )
    parser.add_argument(
        '--max-pictures',
        type=positive_int,
        default=12,
        metavar='N',
        help='frames that are drawn at most (default: 12)',
    )
    options = parser.parse_args(args)
    with user_errors():
        if options.fix is not None:
            check_output(options.fix, options.ann_file)
        checked = check_labels(options.ann_file, options.format, options.frames)
        counts = ', '.join(f'{n} {kind}' for kind, n in checked.counts.items())
        print(f'{options.ann_file}: {counts}')
        print(checked.faults.report(options.examples))
        if options.show_dir is not None:
            from mmvis.labels.fault_pictures import write_fault_pictures

            pictures = write_fault_pictures(
                options.ann_file,
                checked.faults,
                options.show_dir,
                frames=options.frames,
                max_pictures=options.max_pictures,
            )
            print(
                f'Drew {len(pictures)} frames in {options.show_dir}, the worst first.'
            )
        if options.fix is not None:
            checked.write(options.fix)
            print(f'Wrote {options.fix}, with the fixes above.')
    if checked.faults and options.fix is None:
        sys.exit(1)
