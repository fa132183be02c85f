"""From masks within boxes to RLE at the size of the video."""

from __future__ import annotations

import math

import numpy as np
from pycocotools import mask as mask_util
from torch import Tensor

from mmvis.ops import paste_masks

__all__ = ['encode_roi_masks']


def encode_roi_masks(
    roi_logits: Tensor, bboxes: Tensor, size: tuple[int, int]
) -> list[bytes | None]:
    """Paste masks into their boxes, threshold them at 0.5, and encode them.

    One mask at a time, and of it only the part within its box: memory is that of one
    picture.

    Args:
        roi_logits (Tensor): Mask logits within the boxes, shape (n, m, m).
        bboxes (Tensor): Boxes, xyxy as shares of width and height, shape (n, 4).
        size (tuple[int, int]): Height and width of the video, pixels.

    Returns:
        list[bytes | None]: ``counts`` of each mask's compressed COCO RLE; None for a
        mask without foreground.
    """
    h, w = size
    probs = roi_logits.detach().float().cpu().sigmoid()
    bboxes = bboxes.detach().float().cpu()
    bboxes = bboxes * bboxes.new_tensor([w, h, w, h])
    return [_encode(*pair, size) for pair in zip(probs, bboxes)]


def _encode(probs: Tensor, bbox: Tensor, size: tuple[int, int]) -> bytes | None:
    x1, y1, x2, y2 = bbox.tolist()
    rows, columns = _span(y1, y2, size[0]), _span(x1, x2, size[1])
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return None
    corner = bbox.new_tensor([columns.start, rows.start] * 2)
    part_size = (rows.stop - rows.start, columns.stop - columns.start)
    part = paste_masks(probs[None], (bbox - corner)[None], part_size)[0] >= 0.5
    if not part.any():
        return None
    mask = np.zeros(size, dtype=np.uint8, order='F')
    mask[rows, columns] = part.numpy()
    return mask_util.encode(mask)['counts']


def _span(start: float, stop: float, limit: int) -> slice:
    """Pixels of one axis that a box touches, within the picture."""
    if not (math.isfinite(start) and math.isfinite(stop)):
        return slice(0, 0)
    return slice(max(math.floor(start) - 1, 0), min(math.ceil(stop) + 1, limit))
