"""Base class of clip mergers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from mmvis.errors import UserValueError
from mmvis.inference.final_frame import FinalFrame
from mmvis.structures import AnyClipPrediction, ClipPrediction, FrameMasks

__all__ = ['BaseClipMerger']


@dataclass
class _FrameSums:
    """Weighted sums of mask logits on one frame, by track, each of shape (h, w)."""

    logit_sums: dict[int, Tensor] = field(default_factory=dict)
    weights: dict[int, float] = field(default_factory=dict)

    def add(self, track_id: int, logits: Tensor, weight: float) -> None:
        if track_id in self.logit_sums:
            self.logit_sums[track_id].add_(logits, alpha=weight)
            self.weights[track_id] += weight
        else:
            # A copy, so that the clip's own tensor can be freed.
            self.logit_sums[track_id] = logits * weight
            self.weights[track_id] = weight

    def means(self, track_ids: Collection[int]) -> Tensor:
        """Mean logits of n tracks, shape (n, h, w)."""
        sums = torch.stack([self.logit_sums[i] for i in track_ids])
        return (
            sums / sums.new_tensor([self.weights[i] for i in track_ids])[:, None, None]
        )


@dataclass
class _ClassSum:
    """Sum of a track's class vectors (K+1,), and of how many clips."""

    total: np.ndarray
    num_clips: float = 1.0

    def add(self, evidence: np.ndarray) -> None:
        self.total += evidence
        self.num_clips += 1.0


class BaseClipMerger(ABC):
    """Link the predictions of successive clips of one video into tracks.

    Tracks have ids; matching mergers number them from 0 in the order of appearance.
    Every clip goes through :meth:`update`; frames that no later clip holds leave
    through :meth:`pop_final`. A subclass decides in :meth:`assign` which track each
    prediction joins, this class averages what joined.

    Memory: the logit sums of the frames that are not final yet, O(clip length x
    tracks that have a mask there), whatever the length of the video; plus K+1
    numbers for every track until :meth:`forget`.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Reset the state for another video."""
        self._frames: dict[int, _FrameSums] = {}
        self._passed: list[FinalFrame] = []
        self._first_open_frame: int | None = None
        self._classes: dict[int, _ClassSum] = {}
        self._next_track_id = 0
        self._num_classes_and_none = 0

    @property
    def track_ids(self) -> list[int]:
        """All tracks that were not forgotten, ascending."""
        return sorted(self._classes)

    @abstractmethod
    def assign(
        self, frame_inds: Sequence[int], prediction: AnyClipPrediction
    ) -> np.ndarray:
        """Choose a track for every prediction of a clip.

        Args:
            frame_inds (Sequence[int]): The T frames of the clip.
            prediction (AnyClipPrediction): N predictions.

        Returns:
            ndarray: Track id of each prediction, int64, shape (N,), no track twice;
            -1 drops a prediction. :meth:`new_tracks` gives ids of new ones.
        """

    def assign_only_clip(
        self, frame_inds: Sequence[int], prediction: AnyClipPrediction
    ) -> np.ndarray:
        """Choose tracks where the video is one clip and there is nothing to link.

        Args:
            frame_inds (Sequence[int]): The T frames of the video.
            prediction (AnyClipPrediction): N predictions.

        Returns:
            ndarray: As of :meth:`assign`. Here each prediction is a track.
        """
        return self.new_tracks(len(prediction))

    def new_tracks(self, num_tracks: int) -> np.ndarray:
        """Ids of new tracks, which continue from the largest one so far, int64."""
        return self._next_track_id + np.arange(num_tracks, dtype=np.int64)

    def frame_weights(self, num_frames: int) -> Sequence[float]:
        """Weight of each of a clip's T frames in the mean of the mask logits."""
        return [1.0] * num_frames

    def cls_evidence(self, prediction: AnyClipPrediction) -> Tensor:
        """What one clip adds to its tracks' class vectors, shape (N, K+1)."""
        return prediction.cls_probs

    def update(
        self,
        frame_inds: Sequence[int],
        prediction: AnyClipPrediction,
        is_only_clip: bool = False,
    ) -> np.ndarray:
        """Add a clip.

        Args:
            frame_inds (Sequence[int]): The T frames of the clip, as indices in the
                video, ascending.
            prediction (AnyClipPrediction): Its N predictions; N may be 0.
            is_only_clip (bool): Whether the video is this one clip. Then nothing is
                averaged, and masks leave as the head made them, in boxes where they
                have boxes. Defaults to False.

        Returns:
            ndarray: Track that each prediction joined, int64, shape (N,); -1 for one
            that the merger dropped.

        Raises:
            ValueError: If the frames do not fit the masks or are final already.
        """
        frame_inds = [int(f) for f in frame_inds]
        self._check_clip(frame_inds, prediction)
        self._num_classes_and_none = prediction.cls_probs.shape[1]
        if is_only_clip:
            track_ids = self.assign_only_clip(frame_inds, prediction)
            self._add_classes(track_ids, self.cls_evidence(prediction))
            self._pass_masks(track_ids, frame_inds, prediction)
            return track_ids
        # Sums over many clips lose too much in half precision.
        prediction = ClipPrediction(
            prediction.cls_probs.detach().float(),
            prediction.mask_logits.detach().float(),
            prediction.query_inds,
        )
        track_ids = self.assign(frame_inds, prediction)
        self._add_classes(track_ids, self.cls_evidence(prediction))
        self._add_masks(track_ids, frame_inds, prediction.mask_logits)
        return track_ids

    def pop_final(self, before_frame: int | None = None) -> list[FinalFrame]:
        """Return, and drop, the frames that will not change any more.

        Args:
            before_frame (int | None): The first frame that later clips may hold;
                None: there will be no later clip.

        Returns:
            list[FinalFrame]: All frames before that one which some clip covered and
            which were not handed out yet, ascending.
        """
        passed, self._passed = self._passed, []
        if before_frame is None:
            frame_ids = sorted(self._frames)
        else:
            frame_ids = sorted(f for f in self._frames if f < before_frame)
            self._first_open_frame = before_frame
        return passed + [self._finish(f, self._frames.pop(f)) for f in frame_ids]

    def open_tracks(self) -> set[int]:
        """Tracks that a later clip may still join."""
        return {i for sums in self._frames.values() for i in sums.logit_sums}

    def forget(self, track_ids: Iterable[int]) -> None:
        """Drop the class vectors of tracks that no later clip joins."""
        for track_id in track_ids:
            del self._classes[track_id]

    def cls_probs(self, track_ids: Sequence[int] | None = None) -> Tensor:
        """Class probabilities of tracks: the mean over the clips they were seen in.

        Args:
            track_ids (Sequence[int] | None): The S tracks to return. Defaults to
                ``self.track_ids``.

        Returns:
            Tensor: Class probabilities, float32 on the CPU, shape (S, K+1).
        """
        track_ids = self.track_ids if track_ids is None else track_ids
        sums = [self._classes[i] for i in track_ids]
        if not sums:
            return torch.zeros(0, self._num_classes_and_none)
        return torch.from_numpy(np.stack([s.total / s.num_clips for s in sums])).float()

    def tie_preferences(
        self, track_ids: Sequence[int], cls_probs: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Preferences between tracks and predictions that fit equally well.

        Args:
            track_ids (Sequence[int]): S tracks.
            cls_probs (Tensor): Class probabilities of N predictions, shape (N, K+1).

        Returns:
            tuple[Tensor, Tensor]: First, the agreement of the class vectors: their
            cosine without no-object; then how sure both are of their best class.
            In [0, 1], on the CPU, shape (S, N).
        """
        cls_probs = cls_probs.cpu()
        means = self.cls_probs(track_ids).reshape(len(track_ids), cls_probs.shape[1])
        vectors = [x[:, :-1].clamp(min=0) for x in (means, cls_probs)]
        units = [torch.nn.functional.normalize(x, dim=1) for x in vectors]
        best = [x.amax(1) for x in vectors]
        return units[0] @ units[1].T, best[0][:, None] * best[1]

    def _check_clip(self, frame_inds: list[int], prediction: AnyClipPrediction) -> None:
        num_frames = prediction.num_frames
        if len(frame_inds) != num_frames:
            raise UserValueError(
                f'A clip of {len(frame_inds)} frames {frame_inds} came with masks for '
                f'{num_frames} frames. Pass one frame index for each mask.'
            )
        first = self._first_open_frame
        if first is not None and min(frame_inds) < first:
            raise UserValueError(
                f'Frame {min(frame_inds)} was declared final by pop_final({first}), '
                'but a later clip holds it. Feed the clips of a video in order, and '
                'call reset() between videos.'
            )

    def _add_classes(self, track_ids: np.ndarray, evidence: Tensor) -> None:
        vectors = evidence.detach().double().cpu().numpy()
        for track_id, vector in zip(track_ids.tolist(), vectors):
            if track_id in self._classes:
                self._classes[track_id].add(vector)
            elif track_id >= 0:
                self._classes[track_id] = _ClassSum(vector.copy())
                self._next_track_id = max(self._next_track_id, track_id + 1)

    def _add_masks(
        self, track_ids: np.ndarray, frame_inds: list[int], mask_logits: Tensor
    ) -> None:
        weights = self.frame_weights(len(frame_inds))
        for t, (frame_id, weight) in enumerate(zip(frame_inds, weights)):
            sums = self._frames.setdefault(frame_id, _FrameSums())
            for n, track_id in enumerate(track_ids.tolist()):
                if track_id >= 0:
                    sums.add(track_id, mask_logits[n, t], weight)

    def _pass_masks(
        self,
        track_ids: np.ndarray,
        frame_inds: list[int],
        prediction: AnyClipPrediction,
    ) -> None:
        rows = [n for n in np.argsort(track_ids).tolist() if track_ids[n] >= 0]
        kept = track_ids[rows].tolist()
        self._passed = [
            FinalFrame(frame_id, kept, prediction.frame_masks(t).select(rows))
            for t, frame_id in enumerate(frame_inds)
        ]

    @staticmethod
    def _finish(frame_id: int, sums: _FrameSums) -> FinalFrame:
        track_ids = sorted(sums.logit_sums)
        if not track_ids:
            return FinalFrame(frame_id, [], FrameMasks(torch.zeros(0, 0, 0)))
        return FinalFrame(frame_id, track_ids, FrameMasks(sums.means(track_ids)))
