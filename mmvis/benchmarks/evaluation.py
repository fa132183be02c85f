"""Part `evaluation`: scoring of a results file, beside the official algorithm."""

from __future__ import annotations

import contextlib
import io
import json
from argparse import Namespace
from collections.abc import Iterator

import numpy as np

from mmvis.benchmarks.protocol import Workload
from mmvis.benchmarks.synthetic_results import make_case
from mmvis.evaluation import evaluate_ytvis, validate_ground_truth, validate_results

with contextlib.redirect_stdout(io.StringIO()):  # after mmvis: see mmvis/__init__.py
    from mmdet.evaluation.functional import YTVIS, YTVISeval

__all__ = ['workloads']

_TOLERANCE = 1e-12


def workloads(options: Namespace) -> list[Workload]:
    """Scoring of a large synthetic case, and what comes before it.

    The official algorithm is MMDetection's port of YTVOSeval, run on current numpy by
    putting ``np.float`` back.

    Raises:
        RuntimeError: If a number differs between the two.
    """
    size = tuple(options.size)
    case = make_case(options.videos, options.tracks, size, options.seed)
    texts = [json.dumps(part) for part in case]
    del case
    gt, results = (json.loads(text) for text in texts)
    curves: list[tuple[np.ndarray, np.ndarray]] = []

    def mmvis() -> None:
        curves[:] = [_run_mmvis(gt, results)]

    def official() -> dict[str, float]:
        # It changes what it is given.
        own_gt, own_results = (json.loads(text) for text in texts)
        others = _run_official(own_gt, own_results)
        difference = max(abs(a - b).max() for a, b in zip(others, curves[0]))
        if difference > _TOLERANCE:
            raise RuntimeError(f'The two evaluations differ by {difference:.1e}.')
        return dict(difference=difference)

    def check() -> None:
        validate_ground_truth(gt)
        validate_results(results, gt)

    def parse() -> None:
        for text in texts:
            json.loads(text)

    num = len(results)
    rows = [
        Workload('mmvis, from parsed json', mmvis, num, 'prediction'),
        Workload('apart: checks of both files', check, num, 'prediction'),
        Workload('apart: json.loads of both files', parse, num, 'prediction'),
    ]
    if not options.no_official:
        name = 'official algorithm, json.loads included'
        rows.append(Workload(name, official, num, 'prediction', is_once=True))
    return rows


def _run_mmvis(gt: dict, results: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall, by mmvis."""
    scores = evaluate_ytvis(gt, results)
    scores.stats()
    return scores.precision, scores.recall


def _run_official(gt: dict, results: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall, by the official algorithm."""
    with _numpy_float(), contextlib.redirect_stdout(io.StringIO()):
        truth = YTVIS(gt)
        evaluation = YTVISeval(truth, truth.loadRes(results), 'segm')
        evaluation.params.vidIds = truth.getVidIds()
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.eval['precision'], evaluation.eval['recall']


@contextlib.contextmanager
def _numpy_float() -> Iterator[None]:
    """Put `np.float` back, which the port needs and numpy dropped in 1.24."""
    setattr(np, 'float', float)  # noqa: B010 - the plain name is what ruff forbids
    try:
        yield
    finally:
        delattr(np, 'float')
