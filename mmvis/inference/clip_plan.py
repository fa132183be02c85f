"""Clips that a video is cut into, decided while its frames arrive."""

from __future__ import annotations

from mmengine.logging import print_log

from mmvis.inference.test_cfg import TestCfg

__all__ = ['ClipPlan']


class ClipPlan:
    """The clips of one video, as positions among the frames that the model sees.

    Clips start at every ``clip_stride``-th position; the last one ends with the video,
    and a video shorter than a clip is one clip. Offline, the whole video is one clip,
    unless it has more than ``max_offline_frames``: then it is cut into clips of that
    many, which the log says. The clips are the same whether the length of the video is
    known or not; where it is, frames are final earlier at a clip stride above 1.

    Args:
        cfg (TestCfg): Lengths and strides.
        num_frames (int | None): How many frames the model will see; None if that is
            not known before the video ends. Defaults to None.
    """

    def __init__(self, cfg: TestCfg, num_frames: int | None = None) -> None:
        self._num_frames = num_frames
        self._max_offline = cfg.max_offline_frames if cfg.clip_len is None else None
        self._clip_len = cfg.clip_len or cfg.max_offline_frames
        default_stride = 1 if cfg.clip_len else max(self._clip_len // 2, 1)
        self._clip_stride = cfg.clip_stride or default_stride
        self._next_start = 0
        self._end = 0  # of the newest clip, exclusive
        if num_frames is not None:
            self._cut_if_longer(num_frames)

    def next_clip(self, num_seen: int, has_ended: bool) -> tuple[int, int] | None:
        """Take the next clip that is complete.

        Args:
            num_seen (int): How many frames of the video the model saw so far.
            has_ended (bool): Whether these are all.

        Returns:
            tuple[int, int] | None: First and end position (exclusive) of the clip.
        """
        self._cut_if_longer(num_seen)
        is_waiting = self._max_offline is not None and not has_ended
        stop = self._next_start + self._clip_len
        if stop <= num_seen and not is_waiting:
            clip = (self._next_start, stop)
            self._next_start += self._clip_stride
        elif has_ended and self._end < num_seen:
            clip = (max(num_seen - self._clip_len, 0), num_seen)
        else:
            return None
        self._end = clip[1]
        return clip

    @property
    def is_whole_video(self) -> bool:
        """Whether an offline model sees the whole video at once."""
        return self._max_offline is not None

    def first_needed(self, num_seen: int) -> int:
        """First position that a later clip may have, before the video ends."""
        if self._end == 0:
            return 0
        if self._num_frames is None:
            # The video might end here, or if it ended with a clip, one frame later.
            num_frames = num_seen + (self._end == num_seen)
        else:
            num_frames = self._num_frames
        return min(self._next_start, max(num_frames - self._clip_len, 0))

    def _cut_if_longer(self, num_frames: int) -> None:
        """Leave offline inference where the video turns out to be too long."""
        if self._max_offline is None or num_frames <= self._max_offline:
            return
        self._max_offline = None
        print_log(
            f'A video of {"" if self._num_frames else "at least "}{num_frames} frames '
            'is too long for one clip (test_cfg.max_offline_frames='
            f'{self._clip_len}): it is cut into clips of {self._clip_len} frames, one '
            f'every {self._clip_stride}.',
            logger='current',
        )
