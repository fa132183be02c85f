"""Pairs of predictions and ground truth whose IoU reaches the lowest threshold."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_all_start_methods, get_context

import numpy as np

from mmvis.evaluation.functional.mask_table import MaskTable, mean_mask_areas
from mmvis.evaluation.functional.params import IOU_THRS
from mmvis.evaluation.functional.track_iou import track_ious
from mmvis.evaluation.functional.tracks import TrackSet

__all__ = ['find_pairs']

_MAX_MASKS = 8192  # decoded at a time


def find_pairs(
    dets: TrackSet, gts: TrackSet, num_jobs: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the pairs that may match, and fill in the predictions' areas.

    Args:
        dets (TrackSet): Predictions.
        gts (TrackSet): Ground truth.
        num_jobs (int): Processes that share the groups. Defaults to 1, this one.

    Returns:
        tuple: Prediction index, ground-truth index and IoU of each pair, (P,).

    Raises:
        ValueError: If an RLE is corrupted.
    """
    shares = _shares(dets, num_jobs)
    if len(shares) < 2:
        parts = [_measure_share(dets, gts, share) for share in shares]
    else:
        # Started by fork where that exists, the processes share the tracks' memory.
        with ProcessPoolExecutor(
            len(shares),
            get_context('fork' if 'fork' in get_all_start_methods() else None),
            initializer=_set_tracks,
            initargs=(dets, gts),
        ) as pool:
            parts = list(pool.map(_measure_own_share, shares))
    for share, (areas, *_) in zip(shares, parts):
        dets.areas[_rows(dets, share)] = areas
    none = np.zeros(0, dtype=np.int64)
    return (
        np.concatenate([none, *(part[1] for part in parts)]),
        np.concatenate([none, *(part[2] for part in parts)]),
        np.concatenate([np.zeros(0), *(part[3] for part in parts)]),
    )


def _shares(dets: TrackSet, num_jobs: int) -> list[list[int]]:
    """Divide the groups among processes, by their numbers of tracks."""
    sizes = {group: s.stop - s.start for group, s in dets.group_slices().items()}
    shares: list[list[int]] = [[] for _ in range(num_jobs)]
    loads = [0] * num_jobs
    for group in sorted(sizes, key=lambda group: -sizes[group]):
        lightest = loads.index(min(loads))
        shares[lightest].append(group)
        loads[lightest] += sizes[group]
    return [sorted(share) for share in shares if share]


def _rows(dets: TrackSet, share: list[int]) -> np.ndarray:
    """Predictions of the groups, ascending."""
    return np.flatnonzero(np.isin(dets.groups, share))


_tracks: tuple[TrackSet, TrackSet] | None = None  # of a process of the pool


def _set_tracks(dets: TrackSet, gts: TrackSet) -> None:
    global _tracks
    _tracks = dets, gts


def _measure_own_share(share: list[int]) -> tuple[np.ndarray, ...]:
    assert _tracks is not None
    return _measure_share(*_tracks, share)


def _measure_share(
    dets: TrackSet, gts: TrackSet, share: list[int]
) -> tuple[np.ndarray, ...]:
    """Measure the predictions of some groups.

    Returns:
        tuple: The predictions' areas, and the pairs as in :func:`find_pairs`.
    """
    det_slices, gt_slices = dets.group_slices(), gts.group_slices()
    areas = np.zeros(len(dets.ids))
    is_alone = np.zeros(len(dets.ids), dtype=bool)  # in a group without ground truth
    pair_dets, pair_gts, pair_ious = [], [], []
    for group in share:
        det_slice = det_slices[group]
        if group not in gt_slices:
            is_alone[det_slice] = True
            continue
        gt_slice = gt_slices[group]
        gt_table = MaskTable(gts.segmentations[gt_slice])
        for part in _parts(dets, det_slice):
            det_table = MaskTable(dets.segmentations[part])
            areas[part] = det_table.mean_areas()
            ious = track_ious(det_table, gt_table, IOU_THRS[0])
            rows, cols = np.nonzero(ious >= IOU_THRS[0])
            pair_dets.append(rows + part.start)
            pair_gts.append(cols + gt_slice.start)
            pair_ious.append(ious[rows, cols])
    alone = np.flatnonzero(is_alone)
    areas[alone] = mean_mask_areas([dets.segmentations[n] for n in alone])
    none = np.zeros(0, dtype=np.int64)
    return (
        areas[_rows(dets, share)],
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
