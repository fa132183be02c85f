"""Masks of one frame at the model's resolution, and their encoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from pycocotools import mask as mask_util
from torch import Tensor

__all__ = ['EncodedMask', 'FrameMasks']


class EncodedMask(NamedTuple):
    """A mask with foreground, at the size of the video.

    Attributes:
        counts (bytes): Counts of its compressed COCO RLE.
        bbox (list[float]): Its box, xyxy in pixels of the video, to a hundredth.
    """

    counts: bytes
    bbox: list[float]


@dataclass(frozen=True)
class FrameMasks:
    """Masks that cover the whole frame.

    Attributes:
        logits (Tensor): Mask logits, shape (n, h, w); h x w is stretched to the
            frame when a mask is scaled to it.
    """

    logits: Tensor

    def __len__(self) -> int:
        return len(self.logits)

    def select(self, rows: Sequence[int]) -> FrameMasks:
        """Pick masks, in the order of ``rows``."""
        return FrameMasks(self.logits[list(rows)])

    def lerp(self, later: FrameMasks, fraction: float) -> FrameMasks:
        """Interpolate to the same n masks of a later frame, 0 being this frame."""
        return FrameMasks(torch.lerp(self.logits, later.logits, fraction))

    @staticmethod
    def cat(parts: Sequence[FrameMasks]) -> FrameMasks:
        """Join masks of one frame; there is at least one part."""
        return FrameMasks(torch.cat([part.logits for part in parts]))

    def encode(self, size: tuple[int, int]) -> list[EncodedMask | None]:
        """Scale masks bilinearly, threshold them at a logit of 0, and encode them.

        The whole map is stretched to ``size`` as ``F.interpolate(...,
        mode='bilinear', align_corners=False)`` does it. Only the part that can become
        foreground is computed: an interpolated value is positive only beside a
        positive cell. A box is the extent of its mask.

        Args:
            size (tuple[int, int]): Height and width of the video, pixels.

        Returns:
            list[EncodedMask | None]: None for a mask without foreground.
        """
        maps = self.logits.detach().float().cpu().numpy()
        rows = _Axis(maps.shape[1], size[0])
        columns = _Axis(maps.shape[2], size[1])
        return [_encode(logits, rows, columns) for logits in maps]


class _Axis:
    """Linear interpolation of one axis from ``num_in`` to ``num_out`` cells."""

    def __init__(self, num_in: int, num_out: int) -> None:
        self.num_out = num_out
        scale = np.float32(num_in) / np.float32(num_out)
        centres = np.arange(num_out, dtype=np.float32) + np.float32(0.5)
        source = np.maximum(centres * scale - np.float32(0.5), 0)
        self.low = source.astype(np.int64)
        self.high = np.minimum(self.low + 1, num_in - 1)
        self.fraction = source - self.low.astype(np.float32)

    def span(self, is_positive: np.ndarray) -> slice:
        """Output cells that lie beside an input cell which is positive."""
        cells = np.flatnonzero(is_positive)
        start = np.searchsorted(self.low, cells[0] - 1, side='left')
        stop = np.searchsorted(self.low, cells[-1], side='right')
        return slice(start, stop)

    def resize(self, values: np.ndarray, span: slice) -> np.ndarray:
        """Interpolate the first axis of ``values``, for the output cells of a span."""
        fraction = self.fraction[span, None]
        return values[self.low[span]] * (1 - fraction) + (
            values[self.high[span]] * fraction
        )


def _encode(logits: np.ndarray, rows: _Axis, columns: _Axis) -> EncodedMask | None:
    is_positive = logits > 0
    if not is_positive.any():
        return None
    y, x = rows.span(is_positive.any(1)), columns.span(is_positive.any(0))
    resized = columns.resize(rows.resize(logits, y).T, x).T
    mask = np.zeros((rows.num_out, columns.num_out), dtype=np.uint8, order='F')
    mask[y, x] = resized > 0
    if not mask[y, x].any():
        return None
    rle = mask_util.encode(mask)
    left, top, width, height = mask_util.toBbox(rle).tolist()
    return EncodedMask(rle['counts'], [left, top, left + width, top + height])
