"""Clip merger that compares clips with tracks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmvis.errors import UserValueError
from mmvis.inference.clip_mergers.base_clip_merger import BaseClipMerger
from mmvis.inference.clip_mergers.mask_motion import MaskMotion, mask_motions
from mmvis.inference.clip_mergers.soft_iou import soft_iou
from mmvis.registry import TASK_UTILS
from mmvis.structures import AnyClipPrediction
from mmvis.ties import argmax, exceeds, match_pairs, rank

__all__ = ['TrackClipMerger']

_EPS = 1e-6


@TASK_UTILS.register_module()
class TrackClipMerger(BaseClipMerger):
    """Link clips to tracks: by mask, class and age, one track for each object.

    What it does better than :class:`IFCClipMerger`:

    - A new clip is compared with the mean masks of the tracks, on the frames that a
      track really covers, instead of with each past clip. Of two tracks that fit
      about equally well the longer one wins, so that a track opened once by a
      near-copy does not take the object over.
    - The similarity is soft IoU times the agreement of the class vectors, and must be
      above a threshold: a track is not continued by an object that only touches it.
    - Predictions without foreground are dropped, and so is a prediction of the same
      class and place as a better one, in the same clip or in a track that another
      prediction continues: no second row for the same object.
    - A lost track is re-identified, up to ``max_lost_frames`` later, where
      it is expected by its motion, size and class.
    - Frames in the middle of a clip, which see context on both sides, weigh more in
      the mean of the masks than those at its ends.
    - A track's score counts how sharp its masks are and in how many clips it was
      seen: short false positives rank below objects that are in many clips.

    Memory: the sums of the base class, O(T) maps for each object, and a few numbers
    for each track seen within the last ``max_lost_frames``.

    Args:
        match_thr (float): Least similarity of a track and its continuation. Defaults
            to 0.1.
        class_weight (float): Share of the class agreement in the similarity: 0
            ignores classes, 1 forbids to join disjoint classes. Defaults to 0.5.
        age_bonus (float): Added to the similarity of a track seen in many clips;
            half of it to one seen in two. Defaults to 0.1.
        duplicate_thr (float): Soft IoU above which two predictions of the same best
            class are one object. Defaults to 0.5.
        max_lost_frames (int): Longest gap after which a track is found again, in
            frames of the video; 0: never. Defaults to 20.
        motion_spread (float): Standard deviation of the place where a lost track
            reappears, in object sizes. Defaults to 0.75.
        found_thr (float): Least product of place, size and class agreement to find a
            lost track again. Defaults to 0.3.
        edge_weight (float): Weight of a clip's first and last frame in the mean of
            the masks; its middle frame has 1. Defaults to 0.5.
        weigh_masks (bool): Multiply class probabilities by the mean probability of
            the mask's foreground. Defaults to True.
        prior_clips (float): Clips without an object that every track's class vector
            starts with. Defaults to 2.0.
        filter_only_clip (bool): Where a video is one clip, drop empty predictions
            and duplicates as well, although there is nothing to link. Defaults to
            True.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        match_thr: float = 0.1,
        class_weight: float = 0.5,
        age_bonus: float = 0.1,
        duplicate_thr: float = 0.5,
        max_lost_frames: int = 20,
        motion_spread: float = 0.75,
        found_thr: float = 0.3,
        edge_weight: float = 0.5,
        weigh_masks: bool = True,
        prior_clips: float = 2.0,
        filter_only_clip: bool = True,
    ) -> None:
        _check_range('match_thr', match_thr, 0, 1)
        _check_range('class_weight', class_weight, 0, 1)
        _check_range('age_bonus', age_bonus, 0, 1)
        _check_range('duplicate_thr', duplicate_thr, 0, 1)
        _check_range('max_lost_frames', max_lost_frames, 0, float('inf'))
        _check_range('motion_spread', motion_spread, _EPS, float('inf'))
        _check_range('found_thr', found_thr, 0, 1)
        _check_range('edge_weight', edge_weight, _EPS, 1)
        _check_range('prior_clips', prior_clips, 0, float('inf'))
        self.match_thr = match_thr
        self.class_weight = class_weight
        self.age_bonus = age_bonus
        self.duplicate_thr = duplicate_thr
        self.max_lost_frames = max_lost_frames
        self.motion_spread = motion_spread
        self.found_thr = found_thr
        self.edge_weight = edge_weight
        self.weigh_masks = weigh_masks
        self.prior_clips = prior_clips
        self.filter_only_clip = filter_only_clip
        super().__init__()

    def reset(self) -> None:
        """Reset the state for another video."""
        super().reset()
        self._motions: dict[int, MaskMotion] = {}  # of each track's last clip

    def open_tracks(self) -> set[int]:
        """See the base class; lost tracks can still be found again."""
        return super().open_tracks() | self._motions.keys()

    def frame_weights(self, num_frames: int) -> list[float]:
        """See the base class: a triangle from ``edge_weight`` up to 1."""
        centre = (num_frames - 1) / 2
        slope = (1 - self.edge_weight) / max(centre, 1)
        return [1 - slope * abs(t - centre) for t in range(num_frames)]

    def cls_evidence(self, prediction: AnyClipPrediction) -> Tensor:
        """See the base class; less sure masks leave more to no-object."""
        if not self.weigh_masks:
            return prediction.cls_probs
        probs = prediction.mask_logits.sigmoid()
        is_foreground = exceeds(probs, 0.5)
        area = is_foreground.sum((1, 2, 3)).clamp(min=1)
        sharpness = (probs * is_foreground).sum((1, 2, 3)) / area  # (N,)
        return _scale_classes(prediction.cls_probs, sharpness[:, None])

    def cls_probs(self, track_ids: Sequence[int] | None = None) -> Tensor:
        """See the base class; the mean counts ``prior_clips`` without object."""
        track_ids = self.track_ids if track_ids is None else track_ids
        seen = self._clips_seen(track_ids)
        share = seen / (seen + self.prior_clips)
        return _scale_classes(super().cls_probs(track_ids), share[:, None])

    def assign(
        self, frame_inds: Sequence[int], prediction: AnyClipPrediction
    ) -> np.ndarray:
        """See the base class; empty predictions and duplicates get no track."""
        probs, classes = prediction.mask_logits.sigmoid(), prediction.cls_probs.cpu()
        found = enumerate(mask_motions(probs, frame_inds))
        motions = {n: motion for n, motion in found if motion is not None}
        left = [n for n in self._distinct(probs, classes) if n in motions]
        track_ids = np.full(len(probs), -1, dtype=np.int64)
        tracks, ious = self._overlaps(frame_inds, probs)
        for i, n in self._match_overlapping(tracks, ious, classes, left):
            track_ids[n] = tracks[i]
        continued = set(track_ids.tolist())
        is_taken = self._is_taken(tracks, ious, classes, continued)
        left = [n for n in left if track_ids[n] < 0 and not is_taken[n]]
        for track_id, n in self._match_lost(left, motions, classes, continued):
            track_ids[n] = track_id
        new = [n for n in left if track_ids[n] < 0]
        track_ids[new] = self.new_tracks(len(new))
        self._remember(track_ids, motions, frame_inds[-1])
        return track_ids

    def assign_only_clip(
        self, frame_inds: Sequence[int], prediction: AnyClipPrediction
    ) -> np.ndarray:
        """See the base class and ``filter_only_clip``."""
        if self.filter_only_clip:
            return self.assign(frame_inds, prediction)
        return super().assign_only_clip(frame_inds, prediction)

    def _distinct(self, probs: Tensor, classes: Tensor) -> list[int]:
        """Predictions of a clip without duplicates of a surer one, ascending."""
        labels = argmax(classes[:, :-1])
        is_close = exceeds(soft_iou(probs, probs).cpu(), self.duplicate_thr)
        is_same = is_close & (labels[:, None] == labels[None])
        kept: list[int] = []
        for n in rank(classes[:, :-1].amax(1)).tolist():
            if not is_same[n, kept].any():
                kept.append(n)
        return sorted(kept)

    def _overlaps(
        self, frame_inds: Sequence[int], probs: Tensor
    ) -> tuple[list[int], Tensor]:
        """Soft IoU of tracks and predictions on the frames a track covers.

        Returns:
            tuple[list[int], Tensor]: Tracks that have masks on the clip's frames,
            and their soft IoU with each prediction, shape (len(tracks), N), CPU.
        """
        intersection: dict[int, Tensor] = {}
        union: dict[int, Tensor] = {}
        for t, frame_id in enumerate(frame_inds):
            sums = self._frames.get(frame_id)
            if sums is None or not sums.logit_sums:
                continue
            new = probs[:, t].flatten(1)  # (N, h*w)
            old = sums.means(sums.logit_sums).sigmoid().flatten(1)  # (s, h*w)
            shared = old @ new.T  # (s, N)
            either = old.sum(1)[:, None] + new.sum(1) - shared
            for row, i in enumerate(sums.logit_sums):
                intersection[i] = intersection.get(i, 0) + shared[row]
                union[i] = union.get(i, 0) + either[row]
        tracks = sorted(intersection)
        if not tracks:
            return tracks, torch.zeros(0, len(probs))
        ious = [intersection[i] / (union[i] + _EPS) for i in tracks]
        return tracks, torch.stack(ious).cpu()

    def _match_overlapping(
        self, tracks: list[int], ious: Tensor, classes: Tensor, left: list[int]
    ) -> list[tuple[int, int]]:
        """Pairs (index among tracks, prediction) of the largest total similarity."""
        agreement, confidence = self.tie_preferences(tracks, classes)
        similarity = ious * (1 - self.class_weight * (1 - agreement))
        bonus = self.age_bonus * (1 - 1 / self._clips_seen(tracks))
        is_similar = exceeds(similarity, self.match_thr)
        scores = torch.where(is_similar, similarity + bonus[:, None], 0.0)
        pairs = match_pairs(*(x[:, left] for x in (scores, agreement, confidence)))
        return [(i, left[j]) for i, j in pairs]

    def _clips_seen(self, track_ids: Sequence[int]) -> Tensor:
        return torch.tensor([self._classes[i].num_clips for i in track_ids])

    def _is_taken(
        self, tracks: list[int], ious: Tensor, classes: Tensor, continued: set[int]
    ) -> list[bool]:
        """Whether the object of each prediction is already continued by a track."""
        labels = argmax(classes[:, :-1])
        own_labels = argmax(self.cls_probs(tracks)[:, :-1])
        is_taken = torch.zeros(len(classes), dtype=torch.bool)
        for track_id, label, track_ious in zip(tracks, own_labels, ious):
            if track_id in continued:
                is_close = exceeds(track_ious, self.duplicate_thr)
                is_taken |= (labels == label) & is_close
        return is_taken.tolist()

    def _match_lost(
        self,
        left: list[int],
        motions: dict[int, MaskMotion],
        classes: Tensor,
        continued: set[int],
    ) -> list[tuple[int, int]]:
        """Pairs (track, prediction) of lost tracks that are found again."""
        lost = [i for i in sorted(self._motions) if i not in continued]
        agreement, confidence = self.tie_preferences(lost, classes)
        affinity = torch.zeros(len(lost), len(left))
        for i, track_id in enumerate(lost):
            for j, n in enumerate(left):
                track, new = self._motions[track_id], motions[n]
                gap = new.first_frame - track.last_frame
                if 0 < gap <= self.max_lost_frames:
                    place = track.reaches(new, self.motion_spread)
                    affinity[i, j] = place * agreement[i, n]
        affinity[~exceeds(affinity, self.found_thr)] = 0
        pairs = match_pairs(affinity, agreement[:, left], confidence[:, left])
        return [(lost[i], left[j]) for i, j in pairs]

    def _remember(
        self, track_ids: np.ndarray, motions: dict[int, MaskMotion], newest: int
    ) -> None:
        for n, motion in motions.items():
            if track_ids[n] >= 0:
                self._motions[int(track_ids[n])] = motion
        self._motions = {
            track_id: motion
            for track_id, motion in self._motions.items()
            if newest - motion.last_frame <= self.max_lost_frames
        }


def _scale_classes(cls_probs: Tensor, factor: Tensor) -> Tensor:
    """Scale class probabilities, add the rest to no-object."""
    scaled = cls_probs[:, :-1] * factor
    return torch.cat([scaled, 1 - scaled.sum(1, keepdim=True)], dim=1)


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UserValueError(f'`{name}` must be in [{low}, {high}], got {value}.')
