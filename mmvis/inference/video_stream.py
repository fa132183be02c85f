"""Inference of one video, clip by clip, while its frames arrive."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from mmdet.structures import TrackSampleList
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.errors import UserFloatingPointError, UserValueError
from mmvis.inference.clip_plan import ClipPlan
from mmvis.inference.final_frame import FinalFrame
from mmvis.inference.frame_tracks import FrameTracks
from mmvis.inference.test_cfg import TestCfg
from mmvis.inference.track_recorder import TrackRecorder
from mmvis.inference.track_rows import select_rows
from mmvis.registry import TASK_UTILS
from mmvis.structures import AnyClipPrediction, ClipFeatures
from mmvis.ties import argmax

__all__ = ['ClipModel', 'VideoStream']


class ClipModel(Protocol):
    """Interface of a model for a stream."""

    def encode_frames(
        self, inputs: Tensor, data_samples: TrackSampleList
    ) -> ClipFeatures:
        """Run the per-frame part on frames (1, t, 3, H, W)."""

    def predict_clip(
        self, features: ClipFeatures, state: Any
    ) -> tuple[AnyClipPrediction, Any]:
        """Run the rest on one clip; the state is None in a video's first clip."""


class VideoStream:
    """Offline, near-online and online inference of any clip model on one video.

    The stream owns all that belongs to one video: features that later clips need, the
    model's state, the clip merger, and the record. Several streams of one model can
    be fed in turn.

    Frames are pushed as they come, in pieces of any size. A clip runs as soon as its
    last frame is there; its predictions go to the clip merger; frames that no later
    clip holds are final and returned. A model with a state gets what it returned with
    the clip before.

    Memory: frames, features and mask logits of O(clip length + pushed piece) frames,
    and with ``keep_record`` the masks of the video so far, see
    :class:`TrackRecorder`. Offline, a clip is the whole video.

    Args:
        model (ClipModel): Usually a :class:`ClipVISModel`.
        cfg (TestCfg): How to cut the video into clips and join them.
        ori_shape (tuple[int, int]): Height and width of the video, pixels.
        video_len (int | None): Number of frames of the video; None if it is not known
            before :meth:`end`. Defaults to None.
        keep_record (bool): Whether :meth:`record` will be asked for. If not, memory
            does not grow with the video. Defaults to True.

    Raises:
        ValueError: If the video has no frames.
    """

    def __init__(
        self,
        model: ClipModel,
        cfg: TestCfg,
        *,
        ori_shape: tuple[int, int],
        video_len: int | None = None,
        keep_record: bool = True,
    ) -> None:
        if video_len is not None and video_len < 1:
            raise UserValueError(f'A video needs at least one frame, got {video_len}.')
        self._model = model
        self._state: Any = None
        self._cfg = cfg
        self._size = (int(ori_shape[0]), int(ori_shape[1]))
        self._video_len = video_len
        num_seen = None if video_len is None else len(cfg.seen_frames(video_len))
        self._plan = ClipPlan(cfg, num_seen)
        merger = dict(type='IFCClipMerger') if cfg.merger is None else cfg.merger
        self._merger = TASK_UTILS.build(merger)
        self._recorder = TrackRecorder(self._size, cfg) if keep_record else None
        self._num_kept = 0  # ended tracks that may get a result row
        self._cached: list[ClipFeatures] = []
        self._cached_inds: list[int] = []  # their indices in the video
        self._num_seen = 0
        self._newest = -1
        self._unseen: tuple[Tensor, TrackSampleList] | None = None
        self._last: FinalFrame | None = None
        self._has_ended = False

    @torch.no_grad()
    def push(self, inputs: Tensor, data_samples: TrackSampleList) -> list[FrameTracks]:
        """Take the next frames and run every clip that is complete with them.

        Frames that the model does not see (``frame_stride``) may be left out, but the
        last one of the video.

        Args:
            inputs (Tensor): Normalised frames, shape (1, t, 3, H, W).
            data_samples (list[TrackDataSample]): One; its t frames have the meta
                information ``frame_id``, their index in the video, and ``img_shape``.

        Returns:
            list[FrameTracks]: The frames that became final, in order.

        Raises:
            ValueError: If a frame is missing or comes twice.
            FloatingPointError: If the model's outputs are NaN or infinite.
        """
        frame_inds = [int(f.frame_id) for f in data_samples[0].video_data_samples]
        wanted = self._choose_seen(frame_inds)
        self._unseen = None
        if frame_inds and (not wanted or wanted[-1] != len(frame_inds) - 1):
            # It is seen after all if the video ends with it.
            self._unseen = (inputs[:, -1:], data_samples)
        if wanted:
            features = self._model.encode_frames(inputs[:, wanted], data_samples)
            self._cached.append(features)
            self._cached_inds += [frame_inds[i] for i in wanted]
        return self._run_clips(has_ended=self._newest + 1 == self._video_len)

    @torch.no_grad()
    def end(self) -> list[FrameTracks]:
        """End the video.

        Returns:
            list[FrameTracks]: The frames that were not returned yet, in order.

        Raises:
            ValueError: If the length of the video is known and frames are missing, or
                there was none at all.
        """
        if self._newest < 0 or self._newest + 1 < (self._video_len or 0):
            raise UserValueError(
                f'The video ended after {self._newest + 1} of '
                f'{self._video_len or "at least 1"} frames. Push all frames before '
                'end(), or open the stream without a video length.'
            )
        if self._unseen is not None:
            self._cached.append(self._model.encode_frames(*self._unseen))
            self._cached_inds.append(self._newest)
            self._num_seen += 1
            self._unseen = None
        return self._run_clips(has_ended=True)

    def record(self) -> InstanceData:
        """Make the record of the video, after :meth:`end`.

        Returns:
            InstanceData: See :meth:`TrackRecorder.record`.

        Raises:
            ValueError: If the video did not end, or no record was kept.
        """
        if self._recorder is None or not self._has_ended:
            raise UserValueError(
                'A stream has a record once its video has ended, and only if it was '
                f'opened with keep_record=True; got has_ended={self._has_ended}, '
                f'keep_record={self._recorder is not None}. Call end() first.'
            )
        track_ids = self._merger.track_ids
        return self._recorder.record(
            self._newest + 1, track_ids, self._merger.cls_probs(track_ids)
        )

    def _choose_seen(self, frame_inds: list[int]) -> list[int]:
        """Positions of the frames that the model sees; checks their order."""
        wanted = []
        for i, frame in enumerate(frame_inds):
            due = self._next_seen()
            if frame <= self._newest or due is None or frame > due:
                raise UserValueError(
                    f'Frame {frame} came after frame {self._newest}, but the next '
                    'frame that the model must see is '
                    f'{"none: the video has ended" if due is None else due}. Push the '
                    'frames of a video in order, each once.'
                )
            if frame == due:
                wanted.append(i)
                self._num_seen += 1
            self._newest = frame
        return wanted

    def _next_seen(self) -> int | None:
        following = self._num_seen * self._cfg.frame_stride
        if self._has_ended or self._newest + 1 == self._video_len:
            return None
        if self._video_len is None:
            return following
        return min(following, self._video_len - 1)

    def _run_clips(self, has_ended: bool) -> list[FrameTracks]:
        """Run the clips that are complete; give the frames that became final."""
        frames: list[FrameTracks] = []
        while (clip := self._plan.next_clip(self._num_seen, has_ended)) is not None:
            self._run_clip(*clip)
            frames += self._release(self._plan.first_needed(self._num_seen))
        self._has_ended = has_ended
        last_needed = None if has_ended else self._plan.first_needed(self._num_seen)
        return frames + self._release(last_needed)

    def _run_clip(self, start: int, stop: int) -> None:
        first = self._num_seen - len(self._cached_inds)
        frame_inds = self._cached_inds[start - first : stop - first]
        cached = ClipFeatures.cat(self._cached)
        self._cached = [cached]
        features = cached.select_frames(start - first, stop - first)
        prediction, self._state = self._model.predict_clip(features, self._state)
        _check_numbers(prediction, frame_inds)
        self._merger.update(frame_inds, prediction, self._plan.is_whole_video)

    def _release(self, first_needed: int | None) -> list[FrameTracks]:
        """Drop all that no later clip needs; None: there is no later clip."""
        first = self._num_seen - len(self._cached_inds)
        num_done = 0 if first_needed is None else first_needed - first
        if first_needed is None:
            self._cached, self._cached_inds, before_frame = [], [], None
        elif num_done == len(self._cached_inds):
            before_frame = self._cached_inds[-1] + 1 if self._cached_inds else 0
            self._cached, self._cached_inds = [], []
        else:
            before_frame = self._cached_inds[num_done]
            if num_done > 0:
                cached = ClipFeatures.cat(self._cached)
                self._cached = [cached.select_frames(num_done, cached.num_frames)]
                self._cached_inds = self._cached_inds[num_done:]
        frames: list[FrameTracks] = []
        for frame in self._merger.pop_final(before_frame):
            frames += self._finish_frame(frame)
        self._forget_ended_tracks()
        return frames

    def _finish_frame(self, frame: FinalFrame) -> list[FrameTracks]:
        """Add labels and scores of its tracks, and the unseen frames before it."""
        between = [] if self._last is None else self._last.frames_until(frame)
        finished = []
        for final in (*between, frame):
            cls_probs = self._merger.cls_probs(final.track_ids)
            finished.append(_with_scores(final, cls_probs, self._size))
            if self._recorder is not None:
                self._recorder.add(finished[-1], cls_probs)
        self._last = frame
        return finished

    def _forget_ended_tracks(self) -> None:
        """Drop tracks that cannot change any more and get no result row."""
        open_tracks = self._merger.open_tracks()
        if self._last is not None:  # the frames that follow are interpolated from it
            open_tracks |= set(self._last.track_ids)
        ended = [i for i in self._merger.track_ids if i not in open_tracks]
        if self._recorder is None:
            self._merger.forget(ended)
        # Only when their number has doubled: the cost stays linear in the video.
        elif len(ended) > 2 * self._num_kept:
            rows, _, _ = select_rows(self._merger.cls_probs(ended), self._cfg)
            kept = {ended[row] for row in rows.tolist()}
            hopeless = [i for i in ended if i not in kept]
            self._merger.forget(hopeless)
            self._recorder.forget(hopeless)
            self._num_kept = len(kept)


def _with_scores(
    frame: FinalFrame, cls_probs: Tensor, size: tuple[int, int]
) -> FrameTracks:
    labels = argmax(cls_probs[:, :-1])
    scores = cls_probs.gather(1, labels[:, None])[:, 0]
    return FrameTracks(
        frame.frame_id, frame.track_ids, labels, scores, frame.masks, size
    )


def _check_numbers(prediction: AnyClipPrediction, frame_inds: list[int]) -> None:
    is_nan = prediction.is_nan().tolist()
    frames = [str(frame) for frame, nan in zip(frame_inds, is_nan) if nan]
    if frames:
        raise UserFloatingPointError(
            f"The model's outputs are NaN in frame {', '.join(frames)} of the video. "
            'Use a checkpoint whose training did not diverge, and full precision '
            '(without --amp).'
        )
