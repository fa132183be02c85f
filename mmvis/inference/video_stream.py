"""Inference of one video, clip by clip, while its frames arrive."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from mmengine.structures import InstanceData

from mmvis.errors import UserValueError
from mmvis.inference.clip_mergers import SingleClipMerger
from mmvis.inference.test_cfg import TestCfg
from mmvis.inference.track_recorder import TrackRecorder
from mmvis.registry import TASK_UTILS
from mmvis.structures import AnyClipPrediction, ClipFeatures, RoIClipPrediction

__all__ = ['VideoStream']


class VideoStream:
    """Offline and near-online inference of any clip model on one video.

    Features of successive frames are pushed as they are computed, in pieces of any
    size. A clip runs as soon as its last frame is there; its predictions go to the
    clip merger; frames that no later clip holds leave as RLE.

    Memory: features and mask logits of O(clip length + pushed piece) frames, and the
    RLE of the video so far. Offline, a clip is the whole video; masks within boxes
    then become RLE without a merger.

    Args:
        predict_clip (Callable[[ClipFeatures], AnyClipPrediction]): Runs the model's
            temporal part and head on one clip, B = 1.
        cfg (TestCfg): How to cut the video into clips and join them.
        video_len (int): Number of frames of the video.
        ori_shape (tuple[int, int]): Height and width of the video, pixels.

    Raises:
        ValueError: If the video has no frames.
    """

    def __init__(
        self,
        predict_clip: Callable[[ClipFeatures], AnyClipPrediction],
        cfg: TestCfg,
        video_len: int,
        ori_shape: tuple[int, int],
    ) -> None:
        if video_len < 1:
            raise UserValueError(f'A video needs at least one frame, got {video_len}.')
        self._predict_clip = predict_clip
        self._frames = cfg.seen_frames(video_len)
        self._seen = frozenset(self._frames)
        self._clips = cfg.clip_spans(len(self._frames))
        self._is_offline = cfg.clip_len is None
        self._next_clip = 0
        merger = dict(type='IFCClipMerger') if cfg.merger is None else cfg.merger
        self._merger = TASK_UTILS.build(merger)
        self._recorder = TrackRecorder(ori_shape, video_len, cfg)
        self._parts: list[ClipFeatures] = []
        self._first_cached = 0  # position of the first cached frame among the seen
        self._num_pushed = 0

    def wanted_frames(self, frame_inds: Sequence[int]) -> list[int]:
        """Choose from a piece of the video the frames that the model has to see.

        Args:
            frame_inds (Sequence[int]): Frames at hand, as indices in the video.

        Returns:
            list[int]: Positions in ``frame_inds``; only these frames are pushed.
        """
        return [i for i, frame in enumerate(frame_inds) if int(frame) in self._seen]

    @torch.no_grad()
    def push(self, features: ClipFeatures, frame_inds: Sequence[int]) -> None:
        """Add the next frames and run every clip that is complete with them.

        Args:
            features (ClipFeatures): Features of t frames, B = 1.
            frame_inds (Sequence[int]): Their t indices in the video: the next of
                those that :meth:`wanted_frames` chooses.

        Raises:
            ValueError: If other frames were expected.
        """
        frame_inds = [int(f) for f in frame_inds]
        end = self._num_pushed + features.num_frames
        expected = self._frames[self._num_pushed : end]
        if frame_inds != expected:
            raise UserValueError(
                f'Features of {features.num_frames} frames came as frames '
                f'{frame_inds}, but the next ones of the video are '
                f'{expected}. Push every wanted frame once, in order.'
            )
        self._parts.append(features)
        self._num_pushed = end
        while not self._is_done and self._clips[self._next_clip][1] <= end:
            self._run_clip()

    def finish(self) -> InstanceData:
        """End the video and return its record.

        Returns:
            InstanceData: See :meth:`TrackRecorder.record`.

        Raises:
            ValueError: If frames of the video are missing.
        """
        if not self._is_done:
            raise UserValueError(
                f'The video ended after {self._num_pushed} of the '
                f'{len(self._frames)} frames that the model has to see; the next one '
                f'is frame {self._frames[self._num_pushed]}. Push all frames before '
                'finish().'
            )
        return self._recorder.record(self._merger.cls_probs())

    @property
    def _is_done(self) -> bool:
        return self._next_clip == len(self._clips)

    @property
    def _is_one_clip(self) -> bool:
        """Whether an offline model sees the whole video at once."""
        return self._is_offline and len(self._clips) == 1

    def _run_clip(self) -> None:
        start, stop = self._clips[self._next_clip]
        cached = ClipFeatures.cat(self._parts)
        self._parts = [cached]
        first = self._first_cached
        prediction = self._predict_clip(
            cached.select_frames(start - first, stop - first)
        )
        if self._is_one_clip and isinstance(prediction, RoIClipPrediction):
            self._merger = SingleClipMerger()
        self._merger.update(self._frames[start:stop], prediction)
        self._next_clip += 1
        self._release(cached)

    def _release(self, cached: ClipFeatures) -> None:
        """Let go of all that no later clip touches."""
        if self._is_done:
            self._parts = []
            before_frame = None
        else:
            start = self._clips[self._next_clip][0]
            before_frame = self._frames[start]
            kept = cached.select_frames(start - self._first_cached, cached.num_frames)
            self._parts, self._first_cached = [kept], start
        for frame in self._merger.pop_final(before_frame):
            self._recorder.add(frame)
        self._recorder.end_tracks(
            self._merger.open_slots(), self._merger.num_tracks, self._merger.cls_probs
        )
