"""Compare the speed of mmvis's evaluation with that of the official algorithm.

Creates a large synthetic case, scores it with both in one process and thread,
checks that all numbers are equal, and prints a table. The official algorithm is
MMDetection's port of YTVOSeval, run on current numpy by putting `np.float` back.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import statistics
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
from synthetic_results import make_case

from mmvis.evaluation import evaluate_ytvis, validate_ground_truth, validate_results


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--videos', type=int, default=300, help='number of videos')
    parser.add_argument('--tracks', type=int, default=100, help='predictions per video')
    parser.add_argument(
        '--size', type=int, nargs=2, default=(36, 48), metavar=('H', 'W'), help='pixels'
    )
    parser.add_argument('--repeats', type=int, default=5, help='runs of mmvis')
    parser.add_argument('--seed', type=int, default=0)
    return parser.parse_args()


@contextlib.contextmanager
def numpy_float() -> Iterator[None]:
    """Put `np.float` back, which the port needs and numpy dropped in 1.24."""
    setattr(np, 'float', float)  # noqa: B010 - the plain name is what ruff forbids
    try:
        yield
    finally:
        delattr(np, 'float')


def run_official(gt: dict, results: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """Score with the official algorithm; it modifies what it is given.

    Returns:
        tuple: Precision and recall.
    """
    from mmdet.evaluation.functional import YTVIS, YTVISeval

    with numpy_float(), contextlib.redirect_stdout(io.StringIO()):
        truth = YTVIS(gt)
        evaluation = YTVISeval(truth, truth.loadRes(results), 'segm')
        evaluation.params.vidIds = truth.getVidIds()
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.eval['precision'], evaluation.eval['recall']


def run_mmvis(gt: dict, results: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """Score with mmvis.

    Returns:
        tuple: Precision and recall.
    """
    scores = evaluate_ytvis(gt, results)
    scores.stats()
    return scores.precision, scores.recall


def timed(function: Callable, *args: Any) -> tuple[float, float, Any]:
    """Call a function.

    Returns:
        tuple: CPU seconds, wall seconds and what it returned.
    """
    cpu, wall = time.process_time(), time.perf_counter()
    value = function(*args)
    return time.process_time() - cpu, time.perf_counter() - wall, value


def main() -> None:
    """Run the benchmark."""
    args = parse_args()
    case = make_case(args.videos, args.tracks, tuple(args.size), args.seed)
    texts = [json.dumps(part) for part in case]
    del case
    parse_cpu, parse_wall, (gt, results) = timed(
        lambda: [json.loads(text) for text in texts]
    )
    num_masks = sum(mask is not None for r in results for mask in r['segmentations'])
    print(
        f'{len(gt["videos"])} videos around {args.size[0]}x{args.size[1]}, '
        f'{len(gt["annotations"])} gts, {len(results)} predictions, '
        f'{num_masks} masks, {len(texts[1]) / 2**20:.0f} MiB of results'
    )

    runs = [timed(run_mmvis, gt, results) for _ in range(args.repeats)]
    own_cpu, own_wall = (statistics.median(run[i] for run in runs) for i in range(2))
    check_cpu, check_wall, _ = timed(
        lambda: (validate_ground_truth(gt), validate_results(results, gt))
    )
    import_module('mmdet.evaluation.functional')  # not a part of its time
    official_cpu, official_wall, official = timed(run_official, gt, results)
    differences = [abs(a - b).max() for a, b in zip(official, runs[0][2])]
    rows = (
        (
            'official algorithm (mmdet port), from parsed json',
            official_cpu,
            official_wall,
        ),
        (f'mmvis, from parsed json, median of {args.repeats}', own_cpu, own_wall),
        ('ratio', official_cpu / own_cpu, official_wall / own_wall),
        ('apart: mmvis.evaluation.validate_*', check_cpu, check_wall),
        ('apart: json.loads of both files', parse_cpu, parse_wall),
    )
    print(f'{"seconds":52s}{"CPU":>8s}{"wall":>8s}')
    for name, cpu, wall in rows:
        print(f'{name:52s}{cpu:8.2f}{wall:8.2f}')
    print(
        f'largest difference of precision {differences[0]:.1e}, '
        f'of recall {differences[1]:.1e}'
    )
    if max(differences) > 1e-12:
        raise SystemExit('The two evaluations differ.')


if __name__ == '__main__':
    main()
