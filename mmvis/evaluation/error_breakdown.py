"""Breakdown of AP50 by kinds of errors (TIDE)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from pycocotools import mask as mask_utils

from mmvis.evaluation.functional.accumulate import interpolate_precision
from mmvis.evaluation.functional.mask_table import MaskTable
from mmvis.evaluation.functional.track_iou import track_ious

__all__ = ['ERROR_KINDS', 'ErrorBreakdown', 'VideoErrors', 'break_down_errors']

ERROR_KINDS = ('class', 'mask', 'switch', 'duplicate', 'background', 'missed')
"""Kinds of errors, see :class:`ErrorBreakdown`."""

_MATCH_IOU = 0.5
_BACKGROUND_IOU = 0.1
_MAX_TRACKS = 100  # per video and category, as in the official evaluation


@dataclass
class VideoErrors:
    """Errors of the tracks of one video.

    Attributes:
        video_id (int): The video.
        kinds (dict[int, str]): Index of a result in the results file -> 'true',
            'ignored', or one of :data:`ERROR_KINDS` but 'missed'.
        ious (dict[int, float]): Index of a result -> largest IoU with any track of
            the ground truth.
        missed (list[int]): Annotation ids that no result matched.
        quality (float | None): Mean over the ground-truth tracks of the IoU of
            their match, 0 where there is none; None without ground truth.
    """

    video_id: int
    kinds: dict[int, str] = field(default_factory=dict)
    ious: dict[int, float] = field(default_factory=dict)
    missed: list[int] = field(default_factory=list)
    quality: float | None = None


@dataclass
class ErrorBreakdown:
    """AP50 that is lost to each kind of error, and how often each occurs.

    The analysis of TIDE (Bolya et al., ECCV 2020), Sec. 2, on tracks in place of
    boxes: IoU is that of the mask tubes, and an error's cost is what AP50 gains when
    all errors of its kind are corrected and nothing else is changed. Costs do not add
    up to 1 - AP50. A wrong result is, by the first that holds,

    - ``class``: IoU of at least 0.5 with a track of another class;
    - ``duplicate``: the same with a track of its class that a better one matches;
    - ``switch``: an identity switch: it covers one object in some frames and
      another in others, each with a mask IoU of at least 0.5 in the frame;
    - ``mask``: IoU of at least 0.1 with a track of any class;
    - ``background``: none of these.

    A track of the ground truth is ``missed`` if no result is matched to it, and none
    of the kinds ``class``, ``mask`` or ``switch`` is nearest to it.

    Attributes:
        ap50 (float): AP50 as it is, mean over the categories with ground truth; -1
            where there is none.
        gains (dict[str, float]): AP50 gained by correcting each kind.
        counts (dict[str, int]): Number of errors of each kind.
        videos (list[VideoErrors]): One for each video, by ascending id.
    """

    ap50: float
    gains: dict[str, float]
    counts: dict[str, int]
    videos: list[VideoErrors]


@dataclass
class _Judged:
    """A result with what is needed to compute AP with it corrected."""

    category_id: int
    score: float
    kind: str
    # The nearest track, which the corrected result would match; -1: there is none.
    gt_index: int = -1
    gt_category_id: int = -1


def break_down_errors(
    gt: Mapping, results: Sequence[Mapping], score_thr: float = 0.0
) -> ErrorBreakdown:
    """Classify every result, and compute the cost of each kind of error.

    Args:
        gt (Mapping): The checked ground truth: videos, categories, annotations.
        results (Sequence[Mapping]): The checked results.
        score_thr (float): Results with a lower score are left out. Defaults to 0.

    Returns:
        ErrorBreakdown: Of all videos.
    """
    gts_of, results_of = defaultdict(list), defaultdict(list)
    for index, annotation in enumerate(gt['annotations']):
        gts_of[annotation['video_id']].append(index)
    for index, result in enumerate(results):
        if result['score'] >= score_thr:
            results_of[result['video_id']].append(index)
    judged: list[_Judged] = []
    videos = []
    # Equal scores are ranked by the id of their video, as in the official evaluation.
    for video_id in sorted(video['id'] for video in gt['videos']):
        inds = _best_results(results_of[video_id], results)
        errors, of_video = _judge_video(
            video_id, gts_of[video_id], gt['annotations'], inds, results
        )
        videos.append(errors)
        judged += of_video
    counts = dict.fromkeys(ERROR_KINDS, 0)
    for errors in videos:
        counts['missed'] += len(errors.missed)
        for kind in errors.kinds.values():
            if kind in counts:
                counts[kind] += 1
    num_gts, num_missed = _count_gts(gt, videos)
    ap50 = _ap50(judged, num_gts)
    gains = {}
    for kind in ERROR_KINDS:
        corrected = _ap50(*_corrected(kind, judged, num_gts, num_missed))
        gains[kind] = max(corrected - ap50, 0.0)  # -1 where no track is left
    return ErrorBreakdown(ap50, gains, counts, videos)


def _best_results(inds: Iterable[int], results: Sequence[Mapping]) -> list[int]:
    """Results that count, by descending score; of equal ones the first."""
    ranked = sorted(inds, key=lambda index: -results[index]['score'])
    taken: dict[int, int] = defaultdict(int)
    kept = []
    for index in ranked:
        category_id = results[index]['category_id']
        taken[category_id] += 1
        if taken[category_id] <= _MAX_TRACKS:
            kept.append(index)
    return kept


def _judge_video(
    video_id: int,
    gt_inds: list[int],
    annotations: Sequence[Mapping],
    result_inds: list[int],
    results: Sequence[Mapping],
) -> tuple[VideoErrors, list[_Judged]]:
    gts = [annotations[index] for index in gt_inds]
    dets = [results[index] for index in result_inds]
    ious = _ious(dets, gts)  # (D, G)
    is_same = np.array(
        [[d['category_id'] == g['category_id'] for g in gts] for d in dets], dtype=bool
    ).reshape(ious.shape)
    is_crowd = np.array([bool(g.get('iscrowd')) for g in gts], dtype=bool)
    matches = _match(ious, is_same, is_crowd)
    matched = {g: d for d, g in matches.items() if not is_crowd[g]}
    errors = VideoErrors(video_id)
    judged, touched = [], set(matched)
    for d, index in enumerate(result_inds):
        errors.ious[index] = float(ious[d].max(initial=0.0))
        nearest = matches.get(d)
        if nearest is not None:
            kind = 'ignored' if is_crowd[nearest] else 'true'
        else:
            kind = _error_kind(ious[d], is_same[d], dets[d], gts)
            nearest = _nearest(ious[d], kind, is_same[d], touched)
        errors.kinds[index] = kind
        item = _Judged(dets[d]['category_id'], dets[d]['score'], kind)
        if nearest is not None:
            item.gt_index = gt_inds[nearest]
            item.gt_category_id = gts[nearest]['category_id']
            if kind in ('class', 'mask', 'switch'):
                touched.add(nearest)
        judged.append(item)
    counting = [g for g in range(len(gts)) if not is_crowd[g]]
    errors.missed = [gts[g]['id'] for g in counting if g not in touched]
    if counting:
        errors.quality = float(
            np.mean([ious[matched[g], g] if g in matched else 0 for g in counting])
        )
    return errors, judged


def _ious(dets: list[Mapping], gts: list[Mapping]) -> np.ndarray:
    if not dets or not gts:
        return np.zeros((len(dets), len(gts)))
    of_dets, of_gts = (
        MaskTable([track['segmentations'] for track in tracks])
        for tracks in (dets, gts)
    )
    return track_ious(of_dets, of_gts)


def _match(
    ious: np.ndarray, is_same: np.ndarray, is_crowd: np.ndarray
) -> dict[int, int]:
    """Result -> ground truth, greedily by score, of one class, IoU at least 0.5."""
    matches: dict[int, int] = {}
    taken = np.zeros(ious.shape[1], dtype=bool)
    for d in range(len(ious)):
        allowed = is_same[d] & ~taken & (ious[d] >= _MATCH_IOU)
        own = np.flatnonzero(allowed & ~is_crowd)
        crowds = np.flatnonzero(allowed & is_crowd)
        candidates = own if len(own) else crowds
        if len(candidates):
            # Of equal ones the last, as in the official evaluation.
            candidates = candidates[::-1]
            g = int(candidates[ious[d, candidates].argmax()])
            matches[d] = g
            taken[g] = not is_crowd[g]
    return matches


def _error_kind(
    ious: np.ndarray, is_same: np.ndarray, det: Mapping, gts: Sequence[Mapping]
) -> str:
    if (ious[~is_same] >= _MATCH_IOU).any():
        return 'class'
    if (ious[is_same] >= _MATCH_IOU).any():
        return 'duplicate'
    if _covers_several(det, gts):
        return 'switch'
    return 'mask' if ious.max(initial=0.0) >= _BACKGROUND_IOU else 'background'


def _nearest(
    ious: np.ndarray, kind: str, is_same: np.ndarray, taken: set[int]
) -> int | None:
    """The track that a wrong result is about: a free one if it can be."""
    if not len(ious):
        return None
    if kind == 'class':
        ious = np.where(is_same, 0, ious)
    is_free = np.array([g not in taken for g in range(len(ious))])
    lowest = _MATCH_IOU if kind == 'class' else _BACKGROUND_IOU
    free = np.where(is_free & (ious >= lowest), ious, 0)
    return int(free.argmax() if free.any() else ious.argmax())


def _covers_several(det: Mapping, gts: Sequence[Mapping]) -> bool:
    """Whether a track has frames on one object and frames on another one."""
    covered = set()
    for t, mask in enumerate(det['segmentations']):
        others = [(g, gt['segmentations'][t]) for g, gt in enumerate(gts)]
        others = [(g, other) for g, other in others if other]
        if not mask or not others:
            continue
        masks = [other for _, other in others]
        ious = mask_utils.iou([mask], masks, [False] * len(masks))[0]
        if ious.max() >= _MATCH_IOU:
            covered.add(others[int(ious.argmax())][0])
    return len(covered) > 1


def _count_gts(
    gt: Mapping, videos: list[VideoErrors]
) -> tuple[dict[int, int], dict[int, int]]:
    """Tracks that count, and the missed ones among them, by category."""
    missed = {annotation_id for errors in videos for annotation_id in errors.missed}
    num_gts: dict[int, int] = defaultdict(int)
    num_missed: dict[int, int] = defaultdict(int)
    for annotation in gt['annotations']:
        if not annotation.get('iscrowd'):
            num_gts[annotation['category_id']] += 1
            num_missed[annotation['category_id']] += annotation['id'] in missed
    return num_gts, num_missed


def _corrected(
    kind: str,
    judged: list[_Judged],
    num_gts: dict[int, int],
    num_missed: dict[int, int],
) -> tuple[list[_Judged], dict[int, int]]:
    """The classified results, and the number of tracks, without one kind of error.

    What could match a track that nothing else matches becomes true, the best one for
    each track; the others of the kind are left out.
    """
    if kind == 'missed':
        left = {c: count - num_missed[c] for c, count in num_gts.items()}
        return judged, left
    matched = {item.gt_index for item in judged if item.kind == 'true'}
    corrected = []
    for item in sorted(judged, key=lambda item: -item.score):
        if item.kind != kind:
            corrected.append(item)
        elif kind in ('class', 'mask', 'switch') and item.gt_index not in matched:
            matched.add(item.gt_index)
            corrected.append(
                replace(item, kind='true', category_id=item.gt_category_id)
            )
    return corrected, num_gts


def _ap50(judged: list[_Judged], num_gts: dict[int, int]) -> float:
    """Mean over the categories of the precision at 101 recall points."""
    precisions = []
    for category_id, count in num_gts.items():
        if count == 0:
            continue
        own = [item for item in judged if item.category_id == category_id]
        own.sort(key=lambda item: -item.score)
        counted = [item.kind == 'true' for item in own if item.kind != 'ignored']
        is_true = np.array([counted], dtype=bool)
        precision, _ = interpolate_precision(is_true, ~is_true, count)
        precisions.append(precision.mean())
    return float(np.mean(precisions)) if precisions else -1.0
