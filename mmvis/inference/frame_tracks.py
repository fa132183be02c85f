"""Tracks of one frame, as a stream returns them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pycocotools import mask as mask_util
from torch import Tensor

from mmvis.structures import AnyFrameMasks, EncodedMask
from mmvis.ties import exceeds

__all__ = ['FrameTracks']


@dataclass(frozen=True)
class FrameTracks:
    """Tracks that have a mask in one frame, which no later frame can change.

    Masks are scaled to the video and encoded as RLE on demand.

    Attributes:
        frame_id (int): Index of the frame in its video.
        track_ids (list[int]): Ids of the n tracks, ascending.
        labels (Tensor): Best class of each track so far, long, shape (n,).
        scores (Tensor): Its probability so far, shape (n,). Labels and scores can
            change with later frames; those of the record are the last word.
        frame_masks (AnyFrameMasks): Masks at the model's own resolution.
        size (tuple[int, int]): Height and width of the video, pixels.
    """

    frame_id: int
    track_ids: list[int]
    labels: Tensor
    scores: Tensor
    frame_masks: AnyFrameMasks
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.track_ids)

    @cached_property
    def encoded(self) -> list[EncodedMask | None]:
        """RLE and box of each track, None for one without foreground."""
        return self.frame_masks.encode(self.size)

    @property
    def rles(self) -> list[dict | None]:
        """Compressed COCO RLE of each track, None for one without foreground."""
        size = list(self.size)
        return [x and dict(size=size, counts=x.counts) for x in self.encoded]

    @property
    def bboxes(self) -> list[list[float] | None]:
        """Box of each track, xyxy in pixels of the video, None without foreground."""
        return [x and x.bbox for x in self.encoded]

    @property
    def masks(self) -> np.ndarray:
        """Decoded masks, bool, shape (n, H, W)."""
        masks = np.zeros((len(self), *self.size), dtype=bool)
        for mask, rle in zip(masks, self.rles):
            if rle is not None:
                mask[:] = mask_util.decode(rle)
        return masks

    def select(self, rows: Sequence[int]) -> FrameTracks:
        """Pick tracks by their position; encoded masks are kept."""
        rows = list(rows)
        picked = FrameTracks(
            self.frame_id,
            [self.track_ids[row] for row in rows],
            self.labels[rows],
            self.scores[rows],
            self.frame_masks.select(rows),
            self.size,
        )
        if 'encoded' in vars(self):
            vars(picked)['encoded'] = [self.encoded[row] for row in rows]
        return picked

    def above(self, score_thr: float) -> FrameTracks:
        """Tracks whose score so far is at least ``score_thr``."""
        return self.select((~exceeds(score_thr, self.scores)).nonzero()[:, 0].tolist())
