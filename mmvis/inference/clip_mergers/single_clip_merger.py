"""A merger for videos that are one clip."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mmvis.inference.clip_mergers.base_clip_merger import FinalFrame
from mmvis.structures import RoIClipPrediction

__all__ = ['SingleClipMerger']


class SingleClipMerger:
    """Pass the masks of the only clip on as they are, within their boxes.

    Nothing has to be compared or averaged, so that masks need not be pasted into
    frames before they become RLE, at the size of the video. It has those methods of
    :class:`BaseClipMerger` that inference uses.
    """

    def __init__(self) -> None:
        self._prediction: RoIClipPrediction | None = None
        self._frame_inds: list[int] = []

    @property
    def num_tracks(self) -> int:
        """S, one track for each prediction."""
        return 0 if self._prediction is None else len(self._prediction)

    def update(self, frame_inds: Sequence[int], prediction: RoIClipPrediction) -> None:
        """Take the clip."""
        self._frame_inds = [int(f) for f in frame_inds]
        self._prediction = prediction

    def pop_final(self, before_frame: int | None = None) -> list[FinalFrame]:
        """Hand out all frames."""
        slots = list(range(self.num_tracks))
        logits, bboxes = self._prediction.roi_logits, self._prediction.bboxes
        return [
            FinalFrame(frame_id, slots, logits[:, t], bboxes[:, t])
            for t, frame_id in enumerate(self._frame_inds)
        ]

    def open_slots(self) -> set[int]:
        """Slots that a later clip may still join: none."""
        return set()

    def cls_probs(self, slots: Sequence[int] | None = None) -> Tensor:
        """Class probabilities of tracks, on the CPU, shape (S, K+1)."""
        probs = self._prediction.cls_probs.float().cpu()
        return probs if slots is None else probs[torch.as_tensor(slots).long()]
