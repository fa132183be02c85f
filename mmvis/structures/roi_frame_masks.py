"""Masks of one frame within boxes, and their encoding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from pycocotools import mask as mask_util
from torch import Tensor

from mmvis.ops import paste_masks
from mmvis.structures.encoded_masks import EncodedMasks
from mmvis.structures.frame_masks import EncodedMask, FrameMasks

__all__ = ['AnyFrameMasks', 'RoIFrameMasks']


@dataclass(frozen=True)
class RoIFrameMasks:
    """Masks that fill boxes; used as :class:`FrameMasks` is.

    Attributes:
        logits (Tensor): Mask logits within the boxes, shape (n, m, m).
        bboxes (Tensor): Boxes, xyxy as shares of the frame's width and height, shape
            (n, 4). They may reach beyond the frame.
        are_object_boxes (bool): Whether these are the boxes of the objects, too.
            Defaults to True.
    """

    logits: Tensor
    bboxes: Tensor
    are_object_boxes: bool = True

    def __len__(self) -> int:
        return len(self.logits)

    def select(self, rows: Sequence[int]) -> RoIFrameMasks:
        """Pick masks, in the order of ``rows``."""
        rows = list(rows)
        return replace(self, logits=self.logits[rows], bboxes=self.bboxes[rows])

    def lerp(self, later: RoIFrameMasks, fraction: float) -> RoIFrameMasks:
        """Interpolate to the same n masks of a later frame, 0 being this frame."""
        return replace(
            self,
            logits=torch.lerp(self.logits, later.logits, fraction),
            bboxes=torch.lerp(self.bboxes, later.bboxes, fraction),
        )

    @staticmethod
    def cat(parts: Sequence[RoIFrameMasks]) -> RoIFrameMasks:
        """Join masks of one frame; there is at least one part."""
        return replace(
            parts[0],
            logits=torch.cat([part.logits for part in parts]),
            bboxes=torch.cat([part.bboxes for part in parts]),
        )

    def encode(self, size: tuple[int, int]) -> list[EncodedMask | None]:
        """Paste masks into their boxes, threshold them at 0.5, and encode them.

        One mask at a time, and of it only the part within its box: memory is that of
        one frame. A box is the predicted one, clipped to the frame, if it is that of
        the object, else that of the mask.

        Args:
            size (tuple[int, int]): Height and width of the video, pixels.

        Returns:
            list[EncodedMask | None]: None for a mask without foreground.
        """
        h, w = size
        probs = self.logits.detach().float().cpu().sigmoid()
        bboxes = self.bboxes.detach().float().cpu()
        bboxes = bboxes * bboxes.new_tensor([w, h, w, h])
        masks = [_encode(*pair, size) for pair in zip(probs, bboxes)]
        if self.are_object_boxes:
            return masks
        return [mask and _with_own_box(mask, size) for mask in masks]

    def pack(self) -> list[RoIFrameMasks]:
        """Split into single masks on the CPU, which are small as they are."""
        masks = replace(
            self, logits=self.logits.detach().cpu(), bboxes=self.bboxes.detach().cpu()
        )
        return [masks.select([i]) for i in range(len(self))]


# What predictions and records give, and what is encoded.
AnyFrameMasks = FrameMasks | RoIFrameMasks | EncodedMasks


def _encode(probs: Tensor, bbox: Tensor, size: tuple[int, int]) -> EncodedMask | None:
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
    h, w = size
    clipped = [min(max(x, 0.0), end) for x, end in zip((x1, y1, x2, y2), (w, h, w, h))]
    return EncodedMask(
        mask_util.encode(mask)['counts'], [round(float(x), 2) for x in clipped]
    )


def _with_own_box(mask: EncodedMask, size: tuple[int, int]) -> EncodedMask:
    x, y, w, h = mask_util.toBbox(dict(size=size, counts=mask.counts)).tolist()
    return mask._replace(bbox=[x, y, x + w, y + h])


def _span(start: float, stop: float, limit: int) -> slice:
    """Pixels of one axis that a box touches, within the frame."""
    if not (math.isfinite(start) and math.isfinite(stop)):
        return slice(0, 0)
    return slice(max(math.floor(start) - 1, 0), min(math.ceil(stop) + 1, limit))
