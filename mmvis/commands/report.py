"""Show a test as one HTML page: AP, errors, and videos with their tracks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmvis.atomic_file import check_output
from mmvis.engine.command_line import ToolArgumentParser, positive_int, probability
from mmvis.engine.user_errors import user_errors
from mmvis.evaluation.json_files import read_ground_truth
from mmvis.structures.results_json import read_results

__all__ = ['main']

EXAMPLES = """examples:
  numbers, curves and kinds of errors:
    mmvis report data/valid.json work_dirs/ifc/results.json
  and the worst and best videos, frame by frame:
    mmvis report data/valid.json results.json --frames data/JPEGImages --out r.html

The page needs no other file and no network. Frames are stored in it as JPEG, about
25 kB each.
"""


def main(args: Sequence[str] | None = None) -> None:
    """Write a report.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    parser = ToolArgumentParser(__doc__, EXAMPLES)
    parser.add_argument('gt', metavar='GT', help='ground truth in YouTube-VIS format')
    parser.add_argument('results', metavar='RESULTS', help='results.json, or the zip')
    parser.add_argument(
        '--out',
        metavar='FILE.html',
        type=Path,
        default=Path('report.html'),
        help='the page (default: report.html)',
    )
    parser.add_argument(
        '--frames', metavar='DIR', help='folder that file_names of GT are relative to'
    )
    parser.add_argument('--title', default='Video instance segmentation')
    parser.add_argument(
        '--score-thr',
        type=probability,
        default=0.3,
        help='draw tracks with at least this score (default: 0.3)',
    )
    parser.add_argument(
        '--max-videos', type=positive_int, default=20, help='videos shown (default: 20)'
    )
    parser.add_argument(
        '--max-side',
        type=positive_int,
        default=480,
        help='longer side of the frames in pixels (default: 480)',
    )
    options = parser.parse_args(args)

    from mmvis.report import write_html_report
    from mmvis.report.video_pages import FrameStyle

    with user_errors(options.results):
        check_output(options.out, options.gt, options.results)
        gt = read_ground_truth(options.gt)
        write_html_report(
            options.out,
            gt,
            read_results(options.results, gt),
            frame_root=options.frames,
            title=options.title,
            score_thr=options.score_thr,
            max_videos=options.max_videos,
            style=FrameStyle(max_side=options.max_side),
        )
    print(options.out)
