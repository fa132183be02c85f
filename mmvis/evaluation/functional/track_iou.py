"""Exact IoU of mask tracks."""

from __future__ import annotations

import numpy as np
from pycocotools import mask as mask_utils

from mmvis.evaluation.functional.mask_table import MaskTable

__all__ = ['track_iou', 'track_ious']


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


def track_ious(dets: MaskTable, gts: MaskTable, min_iou: float = 0.0) -> np.ndarray:
    """IoU of each prediction with each ground-truth track of a video.

    Args:
        dets (MaskTable): D predictions.
        gts (MaskTable): G ground-truth tracks.
        min_iou (float): Pairs that cannot reach this IoU may be reported as 0,
            which is faster. Defaults to 0.

    Returns:
        np.ndarray: IoU, float64, shape (D, G).
    """
    if dets.is_regular and gts.is_regular and None in (dets.size, gts.size):
        return np.zeros((len(dets.tracks), len(gts.tracks)))
    is_regular = dets.is_regular and gts.is_regular and dets.size == gts.size
    if not is_regular or dets.areas.shape[1] != gts.areas.shape[1]:
        return np.array([[track_iou(d, g) for g in gts.tracks] for d in dets.tracks])
    totals = dets.areas.sum(1)[:, None] + gts.areas.sum(1)  # (D, G)
    # IoU >= m if I >= m / (1 + m) * (A + B); the factor is for what rounding takes.
    required = totals * (min_iou / (1 + min_iou) * (1 - 1e-9))
    bounds = _intersection_bounds(dets, gts)
    is_open = (bounds >= required) & (bounds > 0)
    intersections = np.zeros(totals.shape)
    for g in np.flatnonzero(is_open.any(0)):
        rows = np.flatnonzero(is_open[:, g])
        intersections[rows, g] = _intersections(dets, rows, gts, g)
    # Without a pixel there is no union either.
    return intersections / np.maximum(totals - intersections, 1)


def _intersection_bounds(dets: MaskTable, gts: MaskTable) -> np.ndarray:
    """Bound the summed intersections from above, shape (D, G).

    None exceeds either area or the intersection of the boxes.
    """
    x1, y1, x2, y2 = dets.boxes[:, :, None]  # (D, 1, T)
    gt_x1, gt_y1, gt_x2, gt_y2 = gts.boxes  # (G, T)
    widths = np.minimum(x2, gt_x2)
    widths -= np.maximum(x1, gt_x1)
    heights = np.minimum(y2, gt_y2)
    heights -= np.maximum(y1, gt_y1)
    np.maximum(widths, 0, out=widths)
    np.maximum(heights, 0, out=heights)
    bounds = np.multiply(widths, heights, out=widths)  # (D, G, T)
    np.minimum(bounds, dets.areas[:, None], out=bounds)
    np.minimum(bounds, gts.areas, out=bounds)
    return bounds.sum(-1)


def _intersections(
    dets: MaskTable, rows: np.ndarray, gts: MaskTable, g: int
) -> np.ndarray:
    """Summed intersections of some predictions with one ground-truth track, (n,).

    None of them may be empty.

    Between its edges the number of filled pixels grows by 1 per pixel or not at all,
    so that interpolation gives how many of the ground truth's pixels lie before any
    pixel. The difference over a run of a prediction is its intersection. All numbers
    are integers below 2**53, so this is exact.
    """
    begins, ends = dets.ends[rows], dets.ends[rows + 1]
    edges = [dets.edges[begin:end] for begin, end in zip(begins, ends)]
    gt_begin, gt_end = gts.ends[g], gts.ends[g + 1]
    gt_edges = gts.edges[gt_begin:gt_end]
    gt_filled = np.repeat(gts.filled[gt_begin // 2 : gt_end // 2 + 1], 2)[1:-1]
    filled = np.interp(np.concatenate(edges), gt_edges, gt_filled)
    sizes = (ends - begins) // 2
    return np.add.reduceat(filled[1::2] - filled[0::2], np.cumsum(sizes) - sizes)
