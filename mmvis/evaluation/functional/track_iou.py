"""Exact IoU of mask tracks."""

from __future__ import annotations

from operator import itemgetter

import numpy as np
from pycocotools import mask as mask_utils

from mmvis.evaluation.functional.mask_tables import box_table

__all__ = ['track_iou', 'track_ious']

_BOX_FRAME_STRIDE = 2


def track_iou(track_a: list, track_b: list) -> float:
    """IoU of two tracks: summed intersections over summed unions.

    The definition, with the official evaluator's tolerance of malformed input:
    the longer track is cut, and frames whose mask sizes differ count nothing.

    Args:
        track_a (list): Per frame a compressed RLE or None.
        track_b (list): The same for the other track.

    Returns:
        float: IoU in [0, 1]; 0 if both are empty.
    """
    intersection = union = 0
    for mask_a, mask_b in zip(track_a, track_b):
        if mask_a and mask_b:
            pair = [mask_a, mask_b]
            intersection += int(mask_utils.area(mask_utils.merge(pair, True)))
            union += int(mask_utils.area(mask_utils.merge(pair, False)))
        elif mask_a or mask_b:
            union += int(mask_utils.area(mask_a or mask_b))
    return intersection / union if union else 0.0


def track_ious(
    dets: list[list],
    gts: list[list],
    det_areas: np.ndarray,
    gt_areas: np.ndarray,
    min_iou: float = 0.0,
) -> np.ndarray:
    """IoU of each prediction with each ground-truth track of a video.

    Args:
        dets (list[list]): D predictions, per frame a compressed RLE or None.
        gts (list[list]): The same for G ground-truth tracks.
        det_areas (np.ndarray): Areas of their masks in one row: see ``mask_areas``.
        gt_areas (np.ndarray): The same for the ground truth.
        min_iou (float): Pairs that cannot reach this IoU may be reported as 0,
            which is faster. Defaults to 0.

    Returns:
        np.ndarray: IoU, float64, shape (D, G).
    """
    size = _common_size(dets + gts)
    is_regular = size is not None and len({len(track) for track in dets + gts}) == 1
    if not is_regular:
        return np.array([[track_iou(det, gt) for gt in gts] for det in dets])
    det_areas, gt_areas = (
        det_areas.reshape(len(dets), -1),  # (D, T)
        gt_areas.reshape(len(gts), -1),  # (G, T)
    )
    totals = det_areas.sum(1)[:, None] + gt_areas.sum(1)  # (D, G)
    possible = np.ones(totals.shape, dtype=bool)
    if min_iou > 0:
        bound = _intersection_bound(dets, gts, det_areas, gt_areas)
        # The factor keeps pairs that only rounding puts below the minimum.
        possible = bound * (1 + min_iou) >= totals * min_iou * (1 - 1e-9)
    rows, cols = np.flatnonzero(possible.any(1)), np.flatnonzero(possible.any(0))
    intersections = np.zeros(totals.shape)
    if len(rows):
        intersections[np.ix_(rows, cols)] = _intersections(
            [dets[row] for row in rows],
            [gts[col] for col in cols],
            det_areas[rows],
            size,
        )
    unions = totals - intersections
    return np.where(unions > 0, intersections / np.maximum(unions, 1), 0.0)


def _common_size(tracks: list[list]) -> list[int] | None:
    """Return the size [h, w] of all masks, None if they differ or there are none."""
    sizes = [
        size
        for track in tracks
        for size in map(itemgetter('size'), filter(None, track))
    ]
    if sizes and sizes.count(sizes[0]) == len(sizes):
        return sizes[0]
    return None


def _intersection_bound(
    dets: list[list], gts: list[list], det_areas: np.ndarray, gt_areas: np.ndarray
) -> np.ndarray:
    """Upper bound of summed intersections, shape (D, G), without pairing masks.

    No intersection exceeds either area, nor, in the frames where the boxes are
    measured, the intersection of the boxes.
    """
    bound = np.minimum(det_areas[:, None], gt_areas[None]).astype(float)  # (D, G, T)
    frame_ids = range(0, bound.shape[2], _BOX_FRAME_STRIDE)
    det_boxes = box_table(dets, frame_ids)[:, :, None]  # (4, D, 1, T')
    gt_boxes = box_table(gts, frame_ids)[:, None]  # (4, 1, G, T')
    sides = np.minimum(det_boxes[2:], gt_boxes[2:])
    sides -= np.maximum(det_boxes[:2], gt_boxes[:2])
    np.maximum(sides, 0, out=sides)
    boxed = bound[..., ::_BOX_FRAME_STRIDE]
    np.minimum(boxed, sides[0] * sides[1], out=boxed)
    return bound.sum(-1)


def _intersections(
    dets: list[list], gts: list[list], det_areas: np.ndarray, size: list[int]
) -> np.ndarray:
    """Summed intersections, shape (D, G), with one call per frame.

    For crowds pycocotools divides by the prediction's area, so that the product
    of the two is the intersection, exact after rounding.
    """
    empty = mask_utils.encode(np.zeros(size, dtype=np.uint8, order='F'))
    det_frames = zip(*[[mask or empty for mask in track] for track in dets])
    gt_frames = zip(*[[mask or empty for mask in track] for track in gts])
    crowds = [1] * len(gts)
    parts = [
        mask_utils.iou(list(det_frame), list(gt_frame), crowds)
        for det_frame, gt_frame in zip(det_frames, gt_frames)
    ]  # T of (D, G)
    return np.rint(np.stack(parts) * det_areas.T[:, :, None]).sum(0)
