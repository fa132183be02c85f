"""What every clip merger does: running means of tracks, frame by frame."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from mmvis.errors import UserValueError
from mmvis.structures import AnyClipPrediction, ClipPrediction

__all__ = ['BaseClipMerger', 'FinalFrame']


@dataclass(frozen=True)
class FinalFrame:
    """Masks of one frame that no later clip can change.

    Attributes:
        frame_id (int): Index of the frame in its video.
        slots (list[int]): The n tracks that have a mask there, ascending.
        mask_logits (Tensor): Their mean mask logits, shape (n, h, w), at the
            model's own resolution.
        bboxes (Tensor | None): Where masks fill boxes instead of the frame: xyxy as
            shares of the frame's width and height, shape (n, 4).
    """

    frame_id: int
    slots: list[int]
    mask_logits: Tensor
    bboxes: Tensor | None = None


@dataclass
class _FrameMasks:
    """Weighted sums of mask logits on one frame, by slot, each of shape (h, w)."""

    logit_sums: dict[int, Tensor] = field(default_factory=dict)
    weights: dict[int, float] = field(default_factory=dict)

    def add(self, slot: int, logits: Tensor, weight: float) -> None:
        if slot in self.logit_sums:
            self.logit_sums[slot].add_(logits, alpha=weight)
            self.weights[slot] += weight
        else:
            # A copy, so that the clip's own tensor can be freed.
            self.logit_sums[slot] = logits * weight
            self.weights[slot] = weight

    def mean(self, slot: int) -> Tensor:
        return self.logit_sums[slot] / self.weights[slot]


class BaseClipMerger(ABC):
    """Link the predictions of successive clips of one video into tracks.

    A track is called a *slot* here, numbered from 0 in the order of appearance.
    Every clip goes through :meth:`update`; frames that no later clip holds leave
    through :meth:`pop_final`. A subclass decides in :meth:`assign` which slot each
    prediction joins, this class averages what joined.

    Memory: the logit sums of the frames that are not final yet, O(clip length x
    slots that have a mask there), whatever the length of the video; plus K+1
    numbers for every slot ever opened.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the video and start another one."""
        self._frames: dict[int, _FrameMasks] = {}
        self._first_open_frame: int | None = None
        self._cls_sums: list[np.ndarray] = []
        self._cls_weights: list[float] = []
        self._num_classes_and_none = 0

    @property
    def num_tracks(self) -> int:
        """S, the number of slots opened so far."""
        return len(self._cls_sums)

    @abstractmethod
    def assign(
        self, frame_inds: Sequence[int], prediction: ClipPrediction
    ) -> np.ndarray:
        """Choose a slot for every prediction of a clip.

        Args:
            frame_inds (Sequence[int]): The T frames of the clip.
            prediction (ClipPrediction): N predictions.

        Returns:
            ndarray: Slot of each prediction, int64, shape (N,), no slot twice. New
            slots continue from ``num_tracks`` in the order of prediction; -1 drops
            a prediction.
        """

    def frame_weights(self, num_frames: int) -> Sequence[float]:
        """Weight of each of a clip's T frames in the mean of the mask logits."""
        return [1.0] * num_frames

    def cls_evidence(self, prediction: ClipPrediction) -> Tensor:
        """What one clip adds to its tracks' class vectors, shape (N, K+1)."""
        return prediction.cls_probs

    def update(
        self, frame_inds: Sequence[int], prediction: AnyClipPrediction
    ) -> np.ndarray:
        """Add a clip.

        Args:
            frame_inds (Sequence[int]): The T frames of the clip, as indices in the
                video, ascending.
            prediction (AnyClipPrediction): Its N predictions; N may be 0.

        Returns:
            ndarray: Slot that each prediction joined, int64, shape (N,); -1 for one
            that the merger dropped.

        Raises:
            ValueError: If the frames do not fit the masks or are final already.
        """
        frame_inds = [int(f) for f in frame_inds]
        self._check_clip(frame_inds, prediction)
        # Sums over many clips lose too much in half precision.
        prediction = ClipPrediction(
            prediction.cls_probs.detach().float(),
            prediction.mask_logits.detach().float(),
        )
        slots = self.assign(frame_inds, prediction)
        self._num_classes_and_none = prediction.cls_probs.shape[1]
        self._add_classes(slots, self.cls_evidence(prediction))
        self._add_masks(slots, frame_inds, prediction.mask_logits)
        return slots

    def pop_final(self, before_frame: int | None = None) -> list[FinalFrame]:
        """Hand out, and forget, the frames that will not change any more.

        Args:
            before_frame (int | None): The first frame that later clips may hold;
                None: there will be no later clip.

        Returns:
            list[FinalFrame]: All frames before that one which some clip covered and
            which were not handed out yet, ascending.
        """
        if before_frame is None:
            frame_ids = sorted(self._frames)
        else:
            frame_ids = sorted(f for f in self._frames if f < before_frame)
            self._first_open_frame = before_frame
        return [self._finish(f, self._frames.pop(f)) for f in frame_ids]

    def open_slots(self) -> set[int]:
        """Slots that a later clip may still join."""
        return {s for masks in self._frames.values() for s in masks.logit_sums}

    def cls_probs(self, slots: Sequence[int] | None = None) -> Tensor:
        """Class probabilities of tracks: the mean over the clips they were seen in.

        Args:
            slots (Sequence[int] | None): The S slots to return. Defaults to all.

        Returns:
            Tensor: Class probabilities, float32 on the CPU, shape (S, K+1).
        """
        slots = range(self.num_tracks) if slots is None else slots
        means = [self._cls_sums[s] / self._cls_weights[s] for s in slots]
        if not means:
            return torch.zeros(0, self._num_classes_and_none)
        return torch.from_numpy(np.stack(means)).float()

    def _check_clip(self, frame_inds: list[int], prediction: AnyClipPrediction) -> None:
        num_frames = prediction.mask_logits.shape[1]
        if len(frame_inds) != num_frames:
            raise UserValueError(
                f'A clip of {len(frame_inds)} frames {frame_inds} came with masks for '
                f'{num_frames} frames, shape {tuple(prediction.mask_logits.shape)}. '
                'Pass one frame index for each mask.'
            )
        first = self._first_open_frame
        if first is not None and min(frame_inds) < first:
            raise UserValueError(
                f'Frame {min(frame_inds)} was declared final by pop_final({first}), '
                'but a later clip holds it. Feed the clips of a video in order, and '
                'call reset() between videos.'
            )

    def _add_classes(self, slots: np.ndarray, evidence: Tensor) -> None:
        for slot, probs in zip(slots, evidence.double().cpu().numpy()):
            if slot == len(self._cls_sums):
                self._cls_sums.append(probs.copy())
                self._cls_weights.append(1.0)
            elif slot >= 0:
                self._cls_sums[slot] += probs
                self._cls_weights[slot] += 1.0

    def _add_masks(
        self, slots: np.ndarray, frame_inds: list[int], mask_logits: Tensor
    ) -> None:
        weights = self.frame_weights(len(frame_inds))
        for t, (frame_id, weight) in enumerate(zip(frame_inds, weights)):
            masks = self._frames.setdefault(frame_id, _FrameMasks())
            for n, slot in enumerate(slots.tolist()):
                if slot >= 0:
                    masks.add(slot, mask_logits[n, t], weight)

    @staticmethod
    def _finish(frame_id: int, masks: _FrameMasks) -> FinalFrame:
        slots = sorted(masks.logit_sums)
        if not slots:
            return FinalFrame(frame_id, [], torch.zeros(0, 0, 0))
        means = torch.stack([masks.mean(s) for s in slots])
        return FinalFrame(frame_id, slots, means)
