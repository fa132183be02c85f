"""Score a results file of video instance segmentation against a ground truth."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from terminaltables import AsciiTable

from mmvis.atomic_file import atomic_file, check_output
from mmvis.engine.command_line import ToolArgumentParser, positive_int, probability
from mmvis.engine.user_errors import user_errors
from mmvis.errors import UserValueError
from mmvis.evaluation.json_files import read_ground_truth
from mmvis.evaluation.report import Report, make_report
from mmvis.evaluation.short_long import find_long_videos
from mmvis.evaluation.track_metrics import evaluate_tracks
from mmvis.structures.json_entries import garbage_collection_paused
from mmvis.structures.results_json import read_results
from mmvis.structures.ytvis_json import read_ytvis_json

__all__ = ['main']

EXAMPLES = """examples:
  score the results of a test, and save the metrics:
    mmvis evaluate data/val.json work_dirs/ifc/results.json --out ap.json
  score a submission as a server would:
    mmvis evaluate data/val.json results.submission_file.zip
  and HOTA, IDF1, J&F and TrackMAP of the tracks with a score of at least 0.5:
    mmvis evaluate data/val.json results.json --track-metrics --score-thr 0.5
  the protocol of YouTube-VIS 2022 (AP is the mean of short and long videos):
    mmvis evaluate valid_2022.json results.json --short-gt valid_2021.json
  are objects found, whatever they are called (AR100 is the class-agnostic recall):
    mmvis evaluate data/val.json results.json --class-agnostic

The numbers are those of the official evaluator, in full precision in METRICS.json:
AP AP50 AP75 APs APm APl AR1 AR10 AR100 ARs ARm ARl, and per_category by category id;
-1 where there is no ground truth. AP is the mean over the IoU thresholds 0.50:0.95
and the categories with ground truth; AR10 counts the first 10 tracks per video and
category; s, m and l are tracks whose mean area is below 128^2 pixels, up to 256^2,
and above.

The annotations of the official valid and test sets are not public.
Submit the zip there, or hold videos of train out with
`mmvis data split`.
"""


def parse_args(args: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = ToolArgumentParser(__doc__, EXAMPLES)
    parser.add_argument(
        'gt', metavar='GT', help='ground truth in YouTube-VIS format (json, json.gz)'
    )
    parser.add_argument(
        'results', metavar='RESULTS', help='results (json, json.gz, or submission zip)'
    )
    parser.add_argument(
        '--out', metavar='METRICS.json', type=Path, help='write the metrics here'
    )
    protocol = parser.add_mutually_exclusive_group()
    protocol.add_argument(
        '--short-gt',
        metavar='GT',
        help='score short and long videos apart: the short ones are those of this file',
    )
    protocol.add_argument(
        '--min-long-len',
        metavar='FRAMES',
        type=positive_int,
        help='the same: the long ones have at least this many frames',
    )
    parser.add_argument(
        '--class-agnostic',
        action='store_true',
        help='AP and AR of all categories as one: a track may match an object of any',
    )
    parser.add_argument(
        '--track-metrics',
        action='store_true',
        help='also HOTA, IDF1, J&F and TrackMAP, by the package trackeval',
    )
    parser.add_argument(
        '--score-thr',
        type=probability,
        default=0.3,
        help='tracks below count for AP and TrackMAP alone (default: 0.3)',
    )
    parser.add_argument(
        '--jobs',
        metavar='N',
        type=positive_int,
        default=1,
        help='processes that share the comparison of masks, for the same numbers; '
        'reading stays with one (default: 1)',
    )
    parser.add_argument(
        '--no-validation',
        action='store_true',
        help='score invalid results too, as the official evaluator does: '
        'tracks shorter than their video on their own frames only, masks of another '
        'size not at all, unknown categories not at all, annotation id 0 as not found',
    )
    return parser.parse_args(args)


@garbage_collection_paused()
def evaluate(options: argparse.Namespace) -> tuple[Report, dict[int, str], dict]:
    """Read, check and score the files.

    Returns:
        tuple: The report, the category names by id, and the track metrics by name.
    """
    is_strict = not options.no_validation
    gt = read_ground_truth(options.gt, is_strict=is_strict)
    if not gt['annotations']:
        raise UserValueError(
            f'{options.gt}: annotations: there are none, so nothing can be scored. The '
            'official valid and test annotations are not public.'
        )
    # RLE strings are checked where they are decoded, which spares decoding them twice.
    is_scored_only = is_strict and not options.track_metrics
    results = read_results(
        options.results, gt, is_strict=is_strict, check_rle=not is_scored_only
    )
    long_ids = None
    if options.short_gt is not None or options.min_long_len is not None:
        path = options.short_gt
        short_gt = None if path is None else read_ytvis_json(path)
        long_ids = find_long_videos(gt, options.min_long_len, short_gt)
    names = {category['id']: category['name'] for category in gt['categories']}
    of_tracks = {}
    if options.track_metrics:
        of_tracks = evaluate_tracks(gt, results, options.score_thr)
    use_cats = not options.class_agnostic
    if not use_cats:
        names = {-1: 'all as one'}
    try:
        report = make_report(gt, results, long_ids, use_cats, options.jobs)
    except UserValueError:
        read_results(options.results, gt, is_strict=is_strict)  # names the entry
        raise
    return report, names, of_tracks


def main(args: Sequence[str] | None = None) -> None:
    """Score a results file.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    options = parse_args(args)
    with user_errors():
        if options.out is not None:
            inputs = options.gt, options.results, options.short_gt
            check_output(options.out, *inputs)
        report, names, of_tracks = evaluate(options)
        if options.out is not None:
            with atomic_file(options.out) as partial:
                numbers = dict(report.as_json(), **of_tracks)
                partial.write_text(json.dumps(numbers, indent=2))
    print(report.tables(names))
    if of_tracks:
        rows = [list(of_tracks), [f'{100 * x:.1f}' for x in of_tracks.values()]]
        print(AsciiTable(rows, 'tracks').table)
    if options.out is not None:
        print(f'Wrote {options.out}')
