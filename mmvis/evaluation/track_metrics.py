"""HOTA, IDF1, J&F and TrackMAP of a results file, by the package trackeval."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
from pycocotools import mask as mask_utils

from mmvis.errors import UserValueError
from mmvis.evaluation.object_rows import one_row_per_object
from mmvis.structures.rle import rle_as_text

__all__ = ['TRACK_METRICS', 'evaluate_tracks']

TRACK_METRICS = (
    'HOTA', 'DetA', 'AssA', 'LocA', 'IDF1', 'J&F', 'J', 'F', 'TrackMAP',
)  # fmt: skip
"""Names of the numbers, see :func:`evaluate_tracks`."""

# Where trackeval has each number: its metric, and its name there.
_PLACES = {
    'HOTA': ('HOTA', 'HOTA'),
    'DetA': ('HOTA', 'DetA'),
    'AssA': ('HOTA', 'AssA'),
    'LocA': ('HOTA', 'LocA'),
    'IDF1': ('Identity', 'IDF1'),
    'J&F': ('JAndF', 'J&F'),
    'J': ('JAndF', 'J-Mean'),
    'F': ('JAndF', 'F-Mean'),
    'TrackMAP': ('TrackMAP', 'AP_all'),
}
_SPLIT, _TRACKER = 'val', 'results'


def evaluate_tracks(
    gt: Mapping, results: Sequence[Mapping], score_thr: float = 0.3
) -> dict[str, float]:
    """Score tracks as multi-object tracking and video object segmentation do.

    AP ranks tracks by their scores; these numbers, except TrackMAP, ignore scores.
    Therefore each object counts once, with its best class, and only above
    ``score_thr``. Numbers are means over the categories that have a track; J&F is one
    over all tracks, of any category.

    Args:
        gt (Mapping): The checked ground truth: videos, categories, annotations.
        results (Sequence[Mapping]): The checked results.
        score_thr (float): Tracks with a lower score are left out, except for
            TrackMAP. Defaults to 0.3.

    Returns:
        dict[str, float]: By the names of :data:`TRACK_METRICS`, in [0, 1].

        - HOTA, DetA, AssA, LocA: Luiten et al., IJCV 2021, means over the thresholds.
        - IDF1: Ristani et al., ECCV workshops 2016, at IoU 0.5.
        - J&F, J, F: region and contour, DAVIS (Perazzi et al., CVPR 2016), of the
          best assignment of tracks.
        - TrackMAP: AP of tracks of all sizes without a limit of their number.

    Raises:
        UserValueError: If trackeval is not installed, or there is no annotation.
    """
    try:
        import trackeval  # slow to import, and optional
    except ImportError:
        raise UserValueError(
            'HOTA, IDF1, J&F and TrackMAP need the package trackeval: '
            'pip install --no-deps trackeval'
        ) from None
    annotations = [item for item in gt['annotations'] if not item.get('iscrowd')]
    if not annotations:
        raise UserValueError(
            'The ground truth has no annotation, so that no track can be scored.'
        )
    cat_ids = {item['category_id'] for item in annotations}
    known = [item for item in results if item['category_id'] in cat_ids]
    kept = [known[index] for index in one_row_per_object(known, score_thr)]
    metrics, quiet = trackeval.metrics, dict(PRINT_CONFIG=False)
    track_map = metrics.TrackMAP(
        quiet | dict(USE_AREA_RANGES=False, USE_TIME_RANGES=False)
    )
    # J&F knows no categories, and videos without an object have none.
    annotated = {item['video_id'] for item in annotations}
    numbers: dict[str, float] = {}
    for rows, truth, chosen in (
        (kept, annotations, [metrics.HOTA(), metrics.Identity(quiet)]),
        (known, annotations, [track_map]),
        (
            _in_one_category(row for row in kept if row['video_id'] in annotated),
            _in_one_category(annotations),
            [metrics.JAndF()],
        ),
    ):
        has_classes = chosen[0].get_name() != 'JAndF'
        videos = [v for v in gt['videos'] if has_classes or v['id'] in annotated]
        numbers |= _run(trackeval, _ground_truth(videos, truth), rows, chosen)
    return {name: numbers[name] for name in TRACK_METRICS}


def _run(
    trackeval: ModuleType, gt: dict, rows: Iterable[Mapping], metrics: list
) -> dict[str, float]:
    """Let trackeval, which reads files, compute the numbers of some metrics."""
    with tempfile.TemporaryDirectory() as folder:
        split = f'youtube_vis_{_SPLIT}'
        _write(Path(folder, 'gt', split, 'gt.json'), gt)
        place = Path(folder, 'trackers', split, _TRACKER, 'data', 'results.json')
        _write(place, _results(rows))
        dataset = trackeval.datasets.YouTubeVIS(
            dict(
                GT_FOLDER=f'{folder}/gt/',
                TRACKERS_FOLDER=f'{folder}/trackers/',
                SPLIT_TO_EVAL=_SPLIT,
                PRINT_CONFIG=False,
            )
        )
    evaluator = trackeval.Evaluator(
        dict(
            BREAK_ON_ERROR=True,
            PRINT_RESULTS=False,
            PRINT_CONFIG=False,
            TIME_PROGRESS=False,
            OUTPUT_SUMMARY=False,
            OUTPUT_DETAILED=False,
            PLOT_CURVES=False,
            LOG_ON_ERROR=None,
        )
    )
    with contextlib.redirect_stdout(io.StringIO()):  # it has no option for that
        scores, _ = evaluator.evaluate([dataset], metrics)
    combined = scores[dataset.get_name()][_TRACKER]['COMBINED_SEQ']
    combined = combined['cls_comb_cls_av']
    return {
        name: float(np.mean(combined[metric][field]))
        for name, (metric, field) in _PLACES.items()
        if metric in combined
    }


def _in_one_category(items: Iterable[Mapping]) -> list[dict]:
    return [dict(item, category_id=1) for item in items]


def _ground_truth(videos: Sequence[Mapping], annotations: Sequence[Mapping]) -> dict:
    """What trackeval expects: uncompressed masks, videos by their folders."""
    sizes = {video['id']: (video['height'], video['width']) for video in videos}
    return dict(
        videos=[
            dict(
                id=video['id'],
                file_names=[
                    f'{video["id"]}/{t}' for t in range(len(video['file_names']))
                ],
            )
            for video in videos
        ],
        categories=[
            dict(id=cat_id, name=str(cat_id))
            for cat_id in sorted({item['category_id'] for item in annotations})
        ],
        annotations=[
            dict(
                id=number,
                video_id=item['video_id'],
                category_id=item['category_id'],
                iscrowd=0,
                height=sizes[item['video_id']][0],
                width=sizes[item['video_id']][1],
                segmentations=[mask and _runs(mask) for mask in item['segmentations']],
                areas=[
                    mask and int(mask_utils.area(mask))
                    for mask in item['segmentations']
                ],
            )
            for number, item in enumerate(annotations, start=1)
        ],
    )


def _runs(mask: Mapping) -> dict:
    """A compressed RLE as a list of runs."""
    flat = mask_utils.decode(mask).ravel(order='F')
    edges = np.flatnonzero(np.diff(flat, prepend=0))
    counts = np.diff(edges, prepend=0, append=flat.size)
    return dict(size=list(mask['size']), counts=counts.tolist())


def _results(rows: Iterable[Mapping]) -> list[dict]:
    return [
        dict(
            video_id=row['video_id'],
            category_id=row['category_id'],
            score=row['score'],
            segmentations=[mask and rle_as_text(mask) for mask in row['segmentations']],
        )
        for row in rows
    ]


def _write(path: Path, content: dict | list) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
