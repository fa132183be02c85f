"""Masks of one frame at the model's resolution, and their encoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
import torch
from pycocotools import mask as mask_util
from torch import Tensor

__all__ = ['EncodedMask', 'FrameMasks', 'PackedMask']

_Array = TypeVar('_Array', np.ndarray, Tensor)

#: Positive logits outside of this range can lose their sign when they are interpolated.
_SAFE_RANGE = (1e-30, 1e30)
#: Of a coordinate in float32, for each cell of the axis, twice that of both libraries.
_COORDINATE_ERROR = 4 * np.finfo(np.float32).eps


class EncodedMask(NamedTuple):
    """A mask with foreground, at the size of the video.

    Attributes:
        counts (str | bytes): Counts of its compressed COCO RLE.
        bbox (list[float]): Its box, xyxy in pixels of the video, to a hundredth.
    """

    counts: str | bytes
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

    def pack(self) -> list[PackedMask | FrameMasks | None]:
        """Split into single masks that wait in little memory until they are encoded.

        Returns:
            list[PackedMask | FrameMasks | None]: One for each mask, on the CPU; its
            ``encode(size)`` gives the one mask exactly as :meth:`encode` does. None
            for a mask without foreground.
        """
        logits = self.logits.detach().float()
        is_positive = logits > 0
        low, high = _SAFE_RANGE
        is_safe = ~(is_positive & ~((logits > low) & (logits < high))).flatten(1).any(1)
        is_safe &= min(logits.shape[1:]) > 1
        is_kept = _beside_a_change(is_positive)
        num_kept = is_kept.flatten(1).sum(1).cumsum(0)
        shown = is_positive.flatten(1).any(1)
        facts = torch.stack([num_kept, shown, is_safe], 1).tolist()  # one transfer
        ends = [end for end, _, _ in facts]
        values = np.split(logits[is_kept].cpu().numpy(), ends[:-1])
        signs = is_positive.permute(1, 2, 0).cpu().numpy().astype(np.uint8, order='F')
        rles = mask_util.encode(signs) if len(logits) else []
        packed: list[PackedMask | FrameMasks | None] = []
        for i, (_, is_shown, fits) in enumerate(facts):
            if not is_shown:
                packed.append(None)
            elif fits:
                packed.append(PackedMask(rles[i], values[i].copy()))
            else:
                packed.append(FrameMasks(logits[i : i + 1].cpu().clone()))
        return packed


@dataclass(frozen=True)
class PackedMask:
    """A mask of a frame at the model's resolution, of which only the outline is kept.

    Interpolation reads blocks of 2x2 cells. Where all four have the same sign, so has
    what is between them, whatever their values; only the others are needed.

    Attributes:
        signs (dict): Compressed COCO RLE of the cells that are positive.
        values (ndarray): Logits of the cells of blocks with both signs, float32, row
            by row.
    """

    signs: dict
    values: np.ndarray

    def encode(self, size: tuple[int, int]) -> list[EncodedMask | None]:
        """Encode the mask, see :meth:`FrameMasks.encode`."""
        is_positive = mask_util.decode(self.signs).astype(bool)
        logits = np.where(is_positive, np.float32(1), np.float32(-1))
        logits[_beside_a_change(is_positive)] = self.values
        return FrameMasks(torch.from_numpy(logits)[None]).encode(size)

    def to_bytes(self) -> bytes:
        """Write size of the map, length of the signs, signs and values."""
        counts = self.signs['counts']
        head = np.array([*self.signs['size'], len(counts)], np.int64)
        return head.tobytes() + counts + self.values.tobytes()

    @classmethod
    def from_bytes(cls, content: bytes) -> PackedMask:
        """Read what :meth:`to_bytes` wrote."""
        h, w, length = np.frombuffer(content, np.int64, 3).tolist()
        begin = 3 * np.int64().nbytes
        counts, values = content[begin : begin + length], content[begin + length :]
        signs = dict(size=[h, w], counts=counts)
        return cls(signs, np.frombuffer(values, np.float32))


def _beside_a_change(is_positive: _Array) -> _Array:
    """Cells of all blocks of 2x2 in (..., h, w) that are not alike."""
    corner = is_positive[..., :-1, :-1]
    is_mixed = corner != is_positive[..., 1:, 1:]
    is_mixed |= corner != is_positive[..., 1:, :-1]
    is_mixed |= corner != is_positive[..., :-1, 1:]
    is_beside = is_positive ^ is_positive  # nowhere
    is_beside[..., :-1, :-1] = is_mixed
    is_beside[..., 1:, 1:] |= is_mixed
    is_beside[..., 1:, :-1] |= is_mixed
    is_beside[..., :-1, 1:] |= is_mixed
    return is_beside


class _Axis:
    """Linear interpolation of one axis from ``num_in`` to ``num_out`` cells."""

    def __init__(self, num_in: int, num_out: int) -> None:
        self.num_in, self.num_out = num_in, num_out
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
        return self._lerp(values[self.low[span]], values[self.high[span]], fraction)

    def is_positive(self, values: np.ndarray, span: slice) -> np.ndarray:
        """Tell where :meth:`resize` gives more than 0.

        OpenCV interpolates ten times faster, with other rounding; only the cells whose
        sign could depend on it are computed again.
        """
        doubt = np.abs(values).max() * np.float32(self.num_in * _COORDINATE_ERROR)
        if not np.isfinite(doubt):
            return self.resize(values, span) > 0
        size = (values.shape[1], self.num_out)
        resized = cv2.resize(values, size, interpolation=cv2.INTER_LINEAR)[span]
        is_positive = resized > doubt
        again = np.flatnonzero((resized >= -doubt) ^ is_positive)
        row, column = np.unravel_index(again, resized.shape)
        row += span.start
        exact = self._lerp(
            values[self.low[row], column],
            values[self.high[row], column],
            self.fraction[row],
        )
        is_positive.flat[again] = exact > 0
        return is_positive

    @staticmethod
    def _lerp(low: np.ndarray, high: np.ndarray, fraction: np.ndarray) -> np.ndarray:
        return low * (1 - fraction) + high * fraction


def _encode(logits: np.ndarray, rows: _Axis, columns: _Axis) -> EncodedMask | None:
    is_positive = logits > 0
    if not is_positive.any():
        return None
    y = rows.span(np.any(is_positive, axis=1))
    x = columns.span(np.any(is_positive, axis=0))
    if y.start == y.stop or x.start == x.stop:
        return None  # scaled down, no output cell lies beside a positive one
    stretched = np.ascontiguousarray(rows.resize(logits, y).T)
    shown = columns.is_positive(stretched, x).T
    if not shown.any():
        return None
    mask = np.zeros((rows.num_out, columns.num_out), dtype=np.uint8, order='F')
    mask[y, x] = shown
    rle = mask_util.encode(mask)
    left, top, width, height = mask_util.toBbox(rle).tolist()
    return EncodedMask(rle['counts'], [left, top, left + width, top + height])
