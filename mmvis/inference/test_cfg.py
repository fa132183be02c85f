"""Test config of a model: clips and merging."""

from __future__ import annotations

from dataclasses import dataclass, fields

from mmvis.errors import UserKeyError, UserTypeError, UserValueError

__all__ = ['TestCfg', 'seen_frames']


def seen_frames(video_len: int, frame_stride: int) -> list[int]:
    """Frames 0, s, 2s, ... of a video, and its last one."""
    return [*range(0, video_len - 1, frame_stride), video_len - 1]


@dataclass(frozen=True)
class TestCfg:
    """``test_cfg`` of a clip model: its keys, their defaults, their checks.

    A model *sees* the frames 0, ``frame_stride``, 2 * ``frame_stride``, ... and the
    last one of a video. Clips are cut from the seen frames, see :class:`ClipPlan`.

    Args:
        clip_len (int | None): Seen frames of a clip; None is offline inference: the
            whole video is one clip. Defaults to 5.
        clip_stride (int | None): Seen frames between the starts of two clips, at
            most the clip length so that no frame is left out. Defaults to None: 1,
            and where an offline model falls back to clips half of their length.
        frame_stride (int): Distance in frames between the seen frames. Frames
            between get their masks from the logits of their seen neighbours.
            Defaults to 1.
        merger (dict | None): Config of the clip merger. Defaults to None: the
            paper's ``dict(type='IFCClipMerger')``.
        score_thr (float): With ``multi_class``, a (track, class) row needs a class
            probability above this. Defaults to 0.01.
        multi_class (bool): One row for every (track, class) above ``score_thr``;
            if False, one row for every track with its best class. Defaults to True.
        max_offline_frames (int): Offline videos of more seen frames are cut into
            clips of this many. Defaults to 100.
        max_per_class (int | None): Best rows of each class that a video keeps. The
            official evaluation ignores all beyond the 100th. Defaults to 100.
        max_per_video (int | None): Best rows that a video keeps. Defaults to None:
            all.

    Raises:
        TypeError: If a value has the wrong type.
        ValueError: If a value is out of its range.
    """

    __test__ = False  # not a test class, whatever pytest makes of the name

    clip_len: int | None = 5
    clip_stride: int | None = None
    frame_stride: int = 1
    merger: dict | None = None
    score_thr: float = 0.01
    multi_class: bool = True
    max_offline_frames: int = 100
    max_per_class: int | None = 100
    max_per_video: int | None = None

    @classmethod
    def from_dict(cls, cfg: dict | None) -> TestCfg:
        """Build from a model's ``test_cfg``; None means all defaults.

        Raises:
            KeyError: If ``cfg`` holds an unknown key.
        """
        cfg = {} if cfg is None else cfg
        known = [f.name for f in fields(cls)]
        for key in cfg:
            if key not in known:
                raise UserKeyError(
                    f'`model.test_cfg.{key}` is unknown. Known keys are: '
                    f'{", ".join(known)}.'
                )
        return cls(**cfg)

    def __post_init__(self) -> None:
        self._check_int('clip_len', allow_none=True)
        self._check_int('clip_stride', allow_none=True)
        self._check_int('frame_stride')
        self._check_int('max_offline_frames')
        self._check_int('max_per_class', allow_none=True)
        self._check_int('max_per_video', allow_none=True)
        longest = self.clip_len
        name = 'clip_len'
        if longest is None:
            longest, name = self.max_offline_frames, 'max_offline_frames'
        if self.clip_stride is not None and self.clip_stride > longest:
            raise UserValueError(
                f'`model.test_cfg.clip_stride` must be in [1, {name}={longest}], so '
                f'that no frame is left out, got {self.clip_stride}. Lower it.'
            )
        is_number = isinstance(self.score_thr, (int, float))
        if not is_number or not 0 <= self.score_thr < 1:
            raise UserValueError(
                '`model.test_cfg.score_thr` must be a probability in [0, 1), got '
                f'{self.score_thr!r}.'
            )
        if not isinstance(self.multi_class, bool):
            raise UserTypeError(
                '`model.test_cfg.multi_class` must be True or False, got '
                f'{self.multi_class!r}.'
            )
        if self.merger is not None and 'type' not in self.merger:
            raise UserValueError(
                "`model.test_cfg.merger` must name its type, e.g. dict(type='"
                f"IFCClipMerger'), got {self.merger!r}."
            )

    def seen_frames(self, video_len: int) -> list[int]:
        """Frames of a video that the model sees, ascending."""
        return seen_frames(video_len, self.frame_stride)

    def _check_int(self, key: str, allow_none: bool = False) -> None:
        value = getattr(self, key)
        if value is None and allow_none:
            return
        if not isinstance(value, int) or isinstance(value, bool):
            raise UserTypeError(
                f'`model.test_cfg.{key}` must be an integer'
                f'{" or None" if allow_none else ""}, got {value!r}.'
            )
        if value < 1:
            raise UserValueError(
                f'`model.test_cfg.{key}` must be at least 1'
                f'{" or None" if allow_none else ""}, got {value}.'
            )
