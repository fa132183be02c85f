"""Score a results file of video instance segmentation against a ground truth."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from mmvis.atomic_file import atomic_file
from mmvis.errors import UserError, UserValueError
from mmvis.evaluation.json_files import read_ground_truth
from mmvis.evaluation.report import Report, make_report
from mmvis.evaluation.short_long import find_long_videos
from mmvis.structures.results_json import read_results
from mmvis.structures.ytvis_json import read_ytvis_json

EPILOG = """
examples:
  score what tools/test.py wrote, and keep the numbers:
    python tools/evaluate.py data/val.json work_dirs/ifc/results.json --out ap.json
  score a submission as a server would:
    python tools/evaluate.py data/val.json results.submission_file.zip
  the protocol of YouTube-VIS 2022 (AP is the mean of short and long videos):
    python tools/evaluate.py valid_2022.json results.json --short-gt valid_2021.json

The numbers are those of the official evaluator, in full precision in METRICS.json:
AP AP50 AP75 APs APm APl AR1 AR10 AR100 ARs ARm ARl, and per_category by category id;
-1 where there is no ground truth. AP is the mean over the IoU thresholds 0.50:0.95
and the categories with ground truth; AR10 counts the first 10 tracks per video and
category; s, m and l are tracks whose mean area is below 128^2 pixels, up to 256^2,
and above.

The official valid and test files have no annotations: those are on the servers only.
Submit the zip there, or hold videos of train out with
tools/dataset_converters/split_ytvis.py.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'gt', metavar='GT', help='ground truth in YouTube-VIS format (json, json.gz)'
    )
    parser.add_argument(
        'results', metavar='RESULTS', help='results (json, json.gz, or submission zip)'
    )
    parser.add_argument(
        '--out', metavar='METRICS.json', type=Path, help='write the numbers here'
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
        type=int,
        help='the same: the long ones have at least so many frames',
    )
    parser.add_argument(
        '--no-validation',
        action='store_true',
        help='score malformed results too, as the official evaluator does in silence: '
        'tracks shorter than their video on their own frames only, masks of another '
        'size not at all, unknown categories not at all, annotation id 0 as not found',
    )
    return parser.parse_args()


def evaluate(args: argparse.Namespace) -> tuple[Report, dict[int, str]]:
    """Read, check and score the files.

    Returns:
        tuple: The report and the category names by id.
    """
    is_strict = not args.no_validation
    gt = read_ground_truth(args.gt, is_strict=is_strict)
    if not gt['annotations']:
        raise UserValueError(
            f'{args.gt}: annotations: there are none, so nothing can be scored. The '
            'official valid and test annotations are on the servers only.'
        )
    results = read_results(args.results, gt, is_strict=is_strict)
    long_ids = None
    if args.short_gt is not None or args.min_long_len is not None:
        short_gt = None if args.short_gt is None else read_ytvis_json(args.short_gt)
        long_ids = find_long_videos(gt, args.min_long_len, short_gt)
    names = {category['id']: category['name'] for category in gt['categories']}
    return make_report(gt, results, long_ids), names


def main() -> None:
    """Run the command."""
    args = parse_args()
    try:
        report, names = evaluate(args)
        if args.out is not None:
            with atomic_file(args.out) as partial:
                partial.write_text(json.dumps(report.as_json(), indent=2))
    except (UserError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        sys.exit(2)
    print(report.tables(names))
    if args.out is not None:
        print(f'Wrote {args.out}')


if __name__ == '__main__':
    main()
