"""Clip merger of the IFC paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mmvis.errors import UserValueError
from mmvis.inference.clip_mergers.base_clip_merger import BaseClipMerger
from mmvis.inference.clip_mergers.soft_iou import soft_iou
from mmvis.inference.final_frame import FinalFrame
from mmvis.registry import TASK_UTILS
from mmvis.structures import AnyClipPrediction
from mmvis.ties import exceeds, match_pairs

__all__ = ['IFCClipMerger']

_EPS = 1e-6


@dataclass(frozen=True)
class _PastClip:
    """Data of a clip for matching: its tracks, and their probabilities by frame."""

    index: int
    track_ids: list[int]
    probs: dict[int, Tensor]  # frame -> (N, h, w)


@TASK_UTILS.register_module()
class IFCClipMerger(BaseClipMerger):
    """Link clips by soft IoU and Hungarian matching, clip against clip.

    IFC (Hwang et al., NeurIPS 2021), Sec. 3.3, as the official code does it. A new
    clip of T frames is compared with the last T clips. The score of track i and
    prediction j is the mean soft IoU over those clips that hold track i and share
    frames with the new one; pairs above ``iou_thr`` are matched to the largest
    total, every prediction left over opens a track. Class vectors decide ties only.

    Differs from the original: any number of tracks (there: 50); a frame where a track
    was never seen has no mask (there: NaN logits); memory.

    Memory: probabilities of the past clips on frames that are not final yet, O(T^2)
    maps for each object at a clip stride of 1, besides the sums of the base class.

    Args:
        iou_thr (float): Pairs with at most this score are not matched. Defaults to
            0.05, the original's value.
    """

    def __init__(self, iou_thr: float = 0.05) -> None:
        if not 0 <= iou_thr < 1:
            raise UserValueError(f'`iou_thr` must be in [0, 1), got {iou_thr}.')
        self.iou_thr = iou_thr
        super().__init__()

    def reset(self) -> None:
        """Reset the state for another video."""
        super().reset()
        self._past: list[_PastClip] = []
        self._num_clips = 0

    def pop_final(self, before_frame: int | None = None) -> list[FinalFrame]:
        """See the base class; past clips drop the final frames too."""
        frames = super().pop_final(before_frame)
        for clip in self._past:
            for final in frames:
                clip.probs.pop(final.frame_id, None)
        self._past = [clip for clip in self._past if clip.probs]
        return frames

    def assign(
        self, frame_inds: Sequence[int], prediction: AnyClipPrediction
    ) -> np.ndarray:
        """See the base class; every prediction gets a track."""
        probs = prediction.mask_logits.sigmoid()
        candidates, scores = self.match_scores(frame_inds, probs)
        track_ids = self._match(candidates, scores, prediction.cls_probs)
        self._past.append(
            _PastClip(
                index=self._num_clips,
                track_ids=track_ids.tolist(),
                probs={f: probs[:, t].clone() for t, f in enumerate(frame_inds)},
            )
        )
        self._num_clips += 1
        return track_ids

    def match_scores(
        self, frame_inds: Sequence[int], probs: Tensor
    ) -> tuple[list[int], Tensor]:
        """Score each track that shares frames with a new clip.

        Args:
            frame_inds (Sequence[int]): The T frames of the new clip.
            probs (Tensor): Its mask probabilities, shape (N, T, h, w).

        Returns:
            tuple[list[int], Tensor]: The tracks, ascending, and their mean soft IoU
            with each prediction before thresholding, shape (len(tracks), N), on the
            device of ``probs``. All other tracks score 0.
        """
        recent = self._num_clips - len(frame_inds)
        sums: dict[int, Tensor] = {}
        counts: dict[int, int] = {}
        for clip in self._past:
            shared = [t for t, f in enumerate(frame_inds) if f in clip.probs]
            if clip.index < recent or not shared:
                continue
            past_probs = torch.stack([clip.probs[frame_inds[t]] for t in shared], 1)
            for i, ious in zip(clip.track_ids, soft_iou(past_probs, probs[:, shared])):
                sums[i] = sums[i] + ious if i in sums else ious
                counts[i] = counts.get(i, 0) + 1
        tracks = sorted(sums)
        if not tracks:
            return tracks, probs.new_zeros(0, len(probs))
        scores = torch.stack([sums[i] / (counts[i] + _EPS) for i in tracks])
        return tracks, scores

    def _match(
        self, candidates: list[int], scores: Tensor, cls_probs: Tensor
    ) -> np.ndarray:
        scores = torch.where(exceeds(scores, self.iou_thr), scores, 0.0)
        track_ids = np.full(len(cls_probs), -1, dtype=np.int64)
        preferences = self.tie_preferences(candidates, cls_probs)
        for i, n in match_pairs(scores, *preferences):
            track_ids[n] = candidates[i]
        is_new = track_ids < 0
        track_ids[is_new] = self.new_tracks(is_new.sum())
        return track_ids
