"""Greedy matching of predictions to ground truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmvis.evaluation.functional.params import AREA_RANGES, IOU_THRS
from mmvis.evaluation.functional.tracks import TrackSet

__all__ = ['Matches', 'match_tracks']


@dataclass
class Matches:
    """Outcome for each prediction; one that is neither true nor ignored is false.

    Attributes:
        is_true (np.ndarray): Matched to a ground truth that counts, shape (A, T, D).
        is_ignored (np.ndarray): Neither true nor false positive, shape (A, T, D).
        gt_counts (np.ndarray): Ground truths that count, shape (A, G).
    """

    is_true: np.ndarray
    is_ignored: np.ndarray
    gt_counts: np.ndarray


def _outside_ranges(areas: np.ndarray) -> np.ndarray:
    """Whether areas (N,) lie outside of each area range, shape (A, N)."""
    return np.stack(
        [(areas < low) | (areas > high) for low, high in AREA_RANGES.values()]
    )


def _rounds(
    dets: np.ndarray,
    gts: np.ndarray,
    ious: np.ndarray,
    ignored: np.ndarray,
    gt_groups: np.ndarray,
) -> list[np.ndarray]:
    """Split candidate pairs (P,) into rounds in which each group occurs once.

    Groups are independent. Within a group predictions are processed by score; each
    tries the ground truths that count before the ignored ones, higher IoU before
    lower, and of equal ones the later first.

    Returns:
        list[np.ndarray]: Indices of the pairs of each round.
    """
    order = np.lexsort((-gts, -ious, ignored, dets))
    sorted_dets = dets[order]
    is_first = np.append(True, sorted_dets[1:] != sorted_dets[:-1])
    starts = np.flatnonzero(is_first)
    choice = np.arange(len(order)) - np.repeat(
        starts, np.diff(np.append(starts, len(order)))
    )
    groups = gt_groups[gts[order]][starts]
    group_starts = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
    sizes = np.diff(np.append(group_starts, len(groups)))
    turn = (np.arange(len(groups)) - np.repeat(group_starts, sizes))[
        np.cumsum(is_first) - 1
    ]
    by_round = np.lexsort((choice, turn))
    keys = turn[by_round] * (choice.max() + 1) + choice[by_round]
    return np.split(order[by_round], np.flatnonzero(np.diff(keys)) + 1)


def _play(
    rounds: list[np.ndarray],
    dets: np.ndarray,
    gts: np.ndarray,
    reaches: np.ndarray,
    is_crowd: np.ndarray,
    match: np.ndarray,
) -> None:
    """Match predictions to ground truths round by round.

    Args:
        rounds (list[np.ndarray]): Indices of the pairs of each round.
        dets (np.ndarray): Prediction of each pair, shape (P,).
        gts (np.ndarray): Ground truth of each pair, shape (P,).
        reaches (np.ndarray): Whether its IoU reaches each threshold, shape (P, T).
        is_crowd (np.ndarray): Ground truths that several may take, shape (G, 1).
        match (np.ndarray): Filled in with the ground truth that each prediction
            takes at each threshold, -1 for none, shape (D, T).
    """
    is_free = np.ones((len(is_crowd), match.shape[1]), dtype=bool)
    for pairs in rounds:
        det, gt = dets[pairs], gts[pairs]
        taken = match[det]
        is_match = reaches[pairs] & (taken < 0) & is_free[gt]
        match[det] = np.where(is_match, gt[:, None], taken)
        is_free[gt] &= ~is_match | is_crowd[gt]


def match_tracks(
    dets: TrackSet,
    gts: TrackSet,
    pair_dets: np.ndarray,
    pair_gts: np.ndarray,
    pair_ious: np.ndarray,
) -> Matches:
    """Match predictions to ground truth for all thresholds and area ranges.

    Per group and threshold, predictions by descending score take the free
    ground truth of highest IoU that reaches the threshold. Crowds stay free.

    Args:
        dets (TrackSet): D predictions with areas.
        gts (TrackSet): G ground-truth tracks.
        pair_dets (np.ndarray): Prediction of each pair of one group whose IoU
            reaches the lowest threshold, shape (P,).
        pair_gts (np.ndarray): Its ground-truth track, shape (P,).
        pair_ious (np.ndarray): Its IoU, shape (P,).

    Returns:
        Matches: The outcome for each prediction.
    """
    num_dets, num_gts, num_ranges = len(dets.ids), len(gts.ids), len(AREA_RANGES)
    num_thrs = len(IOU_THRS)
    gt_ignored = (_outside_ranges(gts.areas) | gts.crowds).ravel()  # (A*G,)
    is_crowd = np.tile(gts.crowds, num_ranges)[:, None]  # (A*G, 1)
    # Area ranges become further groups: shifted copies of all pairs.
    shifts = np.arange(num_ranges)[:, None]
    all_dets = (pair_dets + shifts * num_dets).ravel()  # (A*P,)
    all_gts = (pair_gts + shifts * num_gts).ravel()
    all_ious = np.tile(pair_ious, num_ranges)
    num_groups = max(gts.groups.max(initial=-1) + 1, 1)
    all_groups = (gts.groups + shifts * num_groups).ravel()
    reaches = all_ious[:, None] >= np.minimum(IOU_THRS, 1 - 1e-10)  # (A*P, T)

    rounds = (
        _rounds(all_dets, all_gts, all_ious, gt_ignored[all_gts], all_groups)
        if len(all_dets)
        else []
    )
    match = np.full((num_ranges * num_dets, num_thrs), -1)
    _play(rounds, all_dets, all_gts, reaches, is_crowd, match)

    matched = match >= 0
    # The official evaluator reads a match with id 0 as none.
    has_id = np.tile(gts.ids != 0, num_ranges)
    is_true = np.zeros_like(matched)
    is_ignored = np.zeros_like(matched)
    is_true[matched] = has_id[match[matched]]
    is_ignored[matched] = gt_ignored[match[matched]]
    is_ignored |= ~is_true & _outside_ranges(dets.areas).reshape(-1, 1)
    is_true &= ~is_ignored
    shape = (num_ranges, num_dets, num_thrs)
    return Matches(
        is_true=is_true.reshape(shape).transpose(0, 2, 1),
        is_ignored=is_ignored.reshape(shape).transpose(0, 2, 1),
        gt_counts=~gt_ignored.reshape(num_ranges, num_gts),
    )
