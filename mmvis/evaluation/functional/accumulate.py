"""Precision and recall of matched predictions."""

from __future__ import annotations

import numpy as np

from mmvis.evaluation.functional.matching import Matches
from mmvis.evaluation.functional.params import (
    AREA_RANGES,
    IOU_THRS,
    MAX_DETS,
    RECALL_THRS,
)
from mmvis.evaluation.functional.tracks import TrackSet

__all__ = ['accumulate', 'interpolate_precision']


def interpolate_precision(
    is_true: np.ndarray, is_false: np.ndarray, num_gts: int
) -> tuple:
    """Read the precision envelope at the recall points.

    Args:
        is_true (np.ndarray): True positives by descending score, shape (T, D).
        is_false (np.ndarray): False positives, shape (T, D).
        num_gts (int): Ground truths that count, at least 1.

    Returns:
        tuple: Precision (T, R) and final recall (T,).
    """
    num_thrs, num_dets = is_true.shape
    precision = np.zeros((num_thrs, len(RECALL_THRS)))
    if num_dets == 0:
        return precision, np.zeros(num_thrs)
    true_sum = np.cumsum(is_true, axis=1)
    precisions = true_sum / (np.cumsum(is_false, axis=1) + true_sum + np.spacing(1))
    envelope = np.maximum.accumulate(precisions[:, ::-1], axis=1)[:, ::-1]
    # True positives that reach each recall point, (R,), and where they are reached.
    needed = np.searchsorted(np.arange(num_gts + 1) / num_gts, RECALL_THRS)
    rows = np.arange(num_thrs)[:, None] * (num_gts + 1)  # keeps the rows apart
    places = np.searchsorted((true_sum + rows).ravel(), needed + rows)  # (T, R)
    is_reached = needed <= true_sum[:, -1:]
    precision[is_reached] = envelope.ravel()[places[is_reached]]
    return precision, true_sum[:, -1] / num_gts


def accumulate(
    dets: TrackSet, gts: TrackSet, matches: Matches, num_videos: int, num_cats: int
) -> tuple[np.ndarray, np.ndarray]:
    """Accumulate precision and recall over videos.

    Predictions of a category are ordered by score; equal scores by video, then
    by their order within it.

    Args:
        dets (TrackSet): Predictions.
        gts (TrackSet): Ground truth.
        matches (Matches): Their matches.
        num_videos (int): Number of videos.
        num_cats (int): K, number of categories.

    Returns:
        tuple: Precision (T, R, K, A, M) and recall (T, K, A, M); -1 for
        categories without a ground truth that counts.
    """
    shape = (num_cats, len(AREA_RANGES), len(MAX_DETS))
    precision = -np.ones((len(IOU_THRS), len(RECALL_THRS), *shape))
    recall = -np.ones((len(IOU_THRS), *shape))
    det_ends = np.searchsorted(dets.groups, np.arange(num_cats + 1) * num_videos)
    gt_ends = np.searchsorted(gts.groups, np.arange(num_cats + 1) * num_videos)
    for k in range(num_cats):
        num_gts = matches.gt_counts[:, gt_ends[k] : gt_ends[k + 1]].sum(1)  # (A,)
        cat_dets = slice(det_ends[k], det_ends[k + 1])
        order = np.argsort(-dets.scores[cat_dets], kind='stable') + det_ends[k]
        for m, max_dets in enumerate(MAX_DETS):
            counted = order[dets.ranks[order] < max_dets]
            for a in np.flatnonzero(num_gts):
                is_true = matches.is_true[a][:, counted]
                is_false = ~(is_true | matches.is_ignored[a][:, counted])
                precision[:, :, k, a, m], recall[:, k, a, m] = interpolate_precision(
                    is_true, is_false, int(num_gts[a])
                )
    return precision, recall
