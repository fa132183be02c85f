"""YouTube-VIS average precision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mmvis.evaluation.functional.accumulate import accumulate
from mmvis.evaluation.functional.mask_table import MaskTable, mean_mask_areas
from mmvis.evaluation.functional.matching import match_tracks
from mmvis.evaluation.functional.params import IOU_THRS, MAX_DETS
from mmvis.evaluation.functional.scores import YTVISScores
from mmvis.evaluation.functional.track_iou import track_ious
from mmvis.evaluation.functional.tracks import (
    TrackSet,
    index_ground_truth,
    index_results,
)
from mmvis.structures.json_entries import garbage_collection_paused

__all__ = ['evaluate_ytvis']

_MAX_MASKS = 8192  # decoded at a time


@garbage_collection_paused()
def evaluate_ytvis(
    gt: Mapping, results: Sequence[Mapping], use_cats: bool = True
) -> YTVISScores:
    """Score a results file against a ground-truth json of YouTube-VIS.

    Gives the numbers of the official evaluator (YTVOSeval, youtubevos/cocoapi), also
    for invalid input that it accepts; :mod:`mmvis.evaluation.validation` checks for
    that. What makes it fast: masks are decoded once, many at a time; pairs of tracks
    that cannot reach the lowest threshold are left out, and the intersections of the
    others come from one interpolation per ground-truth track; matching runs over all
    videos at once.

    Args:
        gt (Mapping): The parsed ground truth: videos, categories, annotations.
        results (Sequence[Mapping]): The parsed results. Neither is modified.
        use_cats (bool): Whether categories count apart. Defaults to True.

    Returns:
        YTVISScores: Precision, recall and the numbers made of them.

    Raises:
        ValueError: If a result is of a video that ``gt`` lacks, or an RLE is corrupted.
    """
    video_ids = sorted({video['id'] for video in gt['videos']})
    cat_ids = sorted({category['id'] for category in gt['categories']})
    video_index = {video_id: place for place, video_id in enumerate(video_ids)}
    cat_index = {cat_id: place * use_cats for place, cat_id in enumerate(cat_ids)}
    num_videos, num_cats = len(video_ids), len(cat_ids) if use_cats else 1
    gts = index_ground_truth(gt, video_index, cat_index, num_videos)
    dets = index_results(results, video_index, cat_index, num_videos, MAX_DETS[-1])
    pairs = _measure(dets, gts)
    matches = match_tracks(dets, gts, *pairs)
    precision, recall = accumulate(dets, gts, matches, num_videos, num_cats)
    return YTVISScores(precision, recall, cat_ids if use_cats else [-1])


def _measure(dets: TrackSet, gts: TrackSet) -> tuple[np.ndarray, ...]:
    """Fill in the predictions' areas and find the pairs that may match.

    Returns:
        tuple: Prediction index, ground-truth index and IoU of each pair, (P,).
    """
    gt_slices = gts.group_slices()
    is_alone = np.zeros(len(dets.ids), dtype=bool)  # in a group without ground truth
    pair_dets, pair_gts, pair_ious = [], [], []
    for group, det_slice in dets.group_slices().items():
        if group not in gt_slices:
            is_alone[det_slice] = True
            continue
        gt_slice = gt_slices[group]
        gt_table = MaskTable(gts.segmentations[gt_slice])
        for part in _parts(dets, det_slice):
            det_table = MaskTable(dets.segmentations[part])
            dets.areas[part] = det_table.mean_areas()
            ious = track_ious(det_table, gt_table, IOU_THRS[0])
            rows, cols = np.nonzero(ious >= IOU_THRS[0])
            pair_dets.append(rows + part.start)
            pair_gts.append(cols + gt_slice.start)
            pair_ious.append(ious[rows, cols])
    alone = np.flatnonzero(is_alone)
    dets.areas[alone] = mean_mask_areas([dets.segmentations[n] for n in alone])
    none = np.zeros(0, dtype=np.int64)
    return (
        np.concatenate([none, *pair_dets]),
        np.concatenate([none, *pair_gts]),
        np.concatenate([np.zeros(0), *pair_ious]),
    )


def _parts(dets: TrackSet, group: slice) -> Iterator[slice]:
    """Split a group so that long videos need no more memory than short ones."""
    num_frames = max(1, *map(len, dets.segmentations[group]))
    num_tracks = max(1, _MAX_MASKS // num_frames)
    for start in range(group.start, group.stop, num_tracks):
        yield slice(start, min(start + num_tracks, group.stop))
