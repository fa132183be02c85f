"""Tracks of one frame, as a stream returns them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

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
    # By track; shared by all selections of the frame's tracks.
    _encoded: dict[int, EncodedMask | None] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.track_ids)

    @property
    def encoded(self) -> list[EncodedMask | None]:
        """RLE and box of each track, None for one without foreground."""
        missing = [n for n, i in enumerate(self.track_ids) if i not in self._encoded]
        if missing:
            masks = self.frame_masks.select(missing).encode(self.size)
            self._encoded.update(zip([self.track_ids[n] for n in missing], masks))
        return [self._encoded[i] for i in self.track_ids]

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
        return FrameTracks(
            self.frame_id,
            [self.track_ids[row] for row in rows],
            self.labels[rows],
            self.scores[rows],
            self.frame_masks.select(rows),
            self.size,
            self._encoded,
        )

    def above(self, score_thr: float) -> FrameTracks:
        """Tracks whose score so far is at least ``score_thr``."""
        return self.select((~exceeds(score_thr, self.scores)).nonzero()[:, 0].tolist())
