"""Areas and boxes of many RLE masks at once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import numpy as np
from pycocotools import mask as mask_utils

__all__ = ['box_table', 'mask_areas', 'mean_mask_areas']

# pycocotools 2.0.11 on numpy 2 raises OverflowError in `area` from 256 masks on.
_CHUNK = 255


def _in_chunks(function: Callable, masks: list[dict]) -> np.ndarray:
    parts = [
        function(masks[start : start + _CHUNK])
        for start in range(0, len(masks), _CHUNK)
    ]
    return np.concatenate(parts)


def mask_areas(segmentations: list[list]) -> np.ndarray:
    """Measure the masks of tracks, one after the other.

    Args:
        segmentations (list[list]): Per track a list of compressed RLE or None.

    Returns:
        np.ndarray: Areas in pixels, int64, as many as there are entries in all
        lists together; 0 for None.
    """
    flat = list(chain.from_iterable(segmentations))
    visible = np.fromiter(map(bool, flat), dtype=bool, count=len(flat))
    areas = np.zeros(len(flat), dtype=np.int64)
    if visible.any():
        areas[visible] = _in_chunks(mask_utils.area, list(filter(None, flat)))
    return areas


def mean_mask_areas(segmentations: list[list], areas: np.ndarray) -> np.ndarray:
    """Mean area of each track over its frames that are not empty.

    Args:
        segmentations (list[list]): Per track a list of compressed RLE or None.
        areas (np.ndarray): Output of :func:`mask_areas` for them.

    Returns:
        np.ndarray: Mean areas in pixels, shape (N,); 0 for empty tracks.
    """
    num_tracks = len(segmentations)
    owner = np.repeat(np.arange(num_tracks), [len(track) for track in segmentations])
    total = np.bincount(owner, weights=areas, minlength=num_tracks)
    count = np.bincount(owner, weights=areas > 0, minlength=num_tracks)
    return total / np.maximum(count, 1)


def box_table(segmentations: list[list], frame_ids: range) -> np.ndarray:
    """Bounding boxes of tracks of one video in some of its frames.

    Args:
        segmentations (list[list]): N lists of compressed RLE or None.
        frame_ids (range): The frames to look at, length T.

    Returns:
        np.ndarray: Boxes (x1, y1, x2, y2) in pixels, shape (4, N, T); all 0
        where there is no mask.
    """
    picked = slice(frame_ids.start, frame_ids.stop, frame_ids.step)
    flat = [mask for track in segmentations for mask in track[picked]]
    boxes = np.zeros((len(flat), 4))
    visible = [place for place, mask in enumerate(flat) if mask]
    if visible:
        boxes[visible] = _in_chunks(mask_utils.toBbox, list(filter(None, flat)))
    boxes[:, 2:] += boxes[:, :2]
    return boxes.T.reshape(4, len(segmentations), len(frame_ids))
