"""Sampling of the frames of a clip, the first step of every pipeline."""

import random
from abc import abstractmethod

from mmcv.transforms import BaseTransform

from mmvis.datasets.annotated_frames import annotated_frames
from mmvis.errors import UserValueError
from mmvis.registry import TRANSFORMS

__all__ = [
    'BaseSampleClip',
    'SampleAllFrames',
    'SampleConsecutiveClip',
    'SampleKeyFrameClip',
    'SampleReferenceClip',
    'SampleUniformClip',
]


class BaseSampleClip(BaseTransform):
    """Turn a video's record into a clip: a dict of lists, one entry per frame.

    The lists are what mmcv's ``TransformBroadcaster`` takes, so that MMDetection's
    transforms serve clips: ``img_path``, ``frame_id``, ``video_id``,
    ``video_len``, ``height``, ``width`` and ``instances``. The latter holds, for
    every frame, all N instances of the video in the same order, each a dict of
    ``instance_id``, ``bbox_label``, ``ignore_flag``, ``mask`` (encoded; None where
    the instance is absent) and ``bbox`` ([x1, y1, x2, y2] in pixels or None).

    Where the record names the frames (``frame_inds``), these are taken.

    Args:
        clip_len (int): Frames per clip, T.

    Raises:
        ValueError: If ``clip_len`` is not positive.
    """

    def __init__(self, clip_len: int) -> None:
        if clip_len < 1:
            raise UserValueError(f'`clip_len` must be at least 1, got {clip_len}.')
        self.clip_len = clip_len

    @abstractmethod
    def sample(self, record: dict) -> list[int]:
        """Choose the frames of the clip.

        Args:
            record (dict): The video's record.

        Returns:
            list[int]: Frame ids in clip order, shape (T,).
        """

    def transform(self, results: dict) -> dict:
        """Sample the frames and spread the record over them."""
        frame_inds = results.get('frame_inds')
        if frame_inds is None:
            frame_inds = self.sample(results)
        T = len(frame_inds)
        return dict(
            img_path=[results['img_paths'][i] for i in frame_inds],
            frame_id=list(frame_inds),
            video_id=[results['video_id']] * T,
            video_len=[results['video_len']] * T,
            height=[results['height']] * T,
            width=[results['width']] * T,
            instances=[_frame_instances(results['instances'], i) for i in frame_inds],
        )

    def __repr__(self) -> str:
        options = ', '.join(f'{key}={value}' for key, value in vars(self).items())
        return f'{type(self).__name__}({options})'


def _frame_instances(instances: list[dict], frame_id: int) -> list[dict]:
    """Pick one frame of every instance's lists."""
    picked = []
    for instance in instances:
        bbox = instance['bboxes'][frame_id]
        if bbox is not None:
            x, y, w, h = bbox
            bbox = [x, y, x + w, y + h]
        picked.append(
            dict(
                instance_id=instance['instance_id'],
                bbox_label=instance['bbox_label'],
                ignore_flag=instance['ignore_flag'],
                mask=instance['segmentations'][frame_id],
                bbox=bbox,
            )
        )
    return picked


@TRANSFORMS.register_module()
class SampleReferenceClip(BaseSampleClip):
    """Sample a reference frame and others near it.

    The reference is uniform in the video, the other T-1 frames are uniform in
    [reference - frame_range, reference + frame_range] without the reference, with
    replacement, as in IFC's code. A video of one frame is repeated.

    Args:
        clip_len (int): Frames per clip, T.
        frame_range (int): Largest distance to the reference in frames. Defaults
            to 20, IFC's.
        shuffle (bool): Whether the clip is in random instead of temporal order.
            Defaults to False.
    """

    def __init__(
        self, clip_len: int, frame_range: int = 20, shuffle: bool = False
    ) -> None:
        super().__init__(clip_len)
        if frame_range < 1:
            raise UserValueError(
                f'`frame_range` must be at least 1, got {frame_range}.'
            )
        self.frame_range = frame_range
        self.shuffle = shuffle

    def sample(self, record: dict) -> list[int]:
        """Choose the frames, see the class."""
        video_len = record['video_len']
        reference = random.randrange(video_len)
        first = max(reference - self.frame_range, 0)
        last = min(reference + self.frame_range, video_len - 1)
        others = [i for i in range(first, last + 1) if i != reference] or [reference]
        frame_inds = [reference, *random.choices(others, k=self.clip_len - 1)]
        if self.shuffle:
            random.shuffle(frame_inds)
        else:
            frame_inds.sort()
        return frame_inds


@TRANSFORMS.register_module()
class SampleConsecutiveClip(BaseSampleClip):
    """Sample consecutive frames, or every ``frame_stride``-th one.

    With ``wrap`` the clip ends at a frame uniform in the video and frames before
    the first are taken from the end, modulo the video's length, as in VisTR's
    code: a video of T frames comes whole, cyclically shifted, a shorter one is
    repeated. Without, the clip lies within the video; where this is too short,
    its last frame is repeated.

    Args:
        clip_len (int): Frames per clip, T.
        frame_stride (int): Distance of adjacent frames in frames. Defaults
            to 1.
        wrap (bool): Whether to wrap around. Defaults to True.
    """

    def __init__(self, clip_len: int, frame_stride: int = 1, wrap: bool = True) -> None:
        super().__init__(clip_len)
        if frame_stride < 1:
            raise UserValueError(
                f'`frame_stride` must be at least 1, got {frame_stride}.'
            )
        self.frame_stride = frame_stride
        self.wrap = wrap

    def sample(self, record: dict) -> list[int]:
        """Choose the frames, see the class."""
        video_len = record['video_len']
        span = (self.clip_len - 1) * self.frame_stride
        if self.wrap:
            first = random.randrange(video_len) - span
        else:
            first = random.randrange(max(video_len - span, 1))
        frame_inds = range(first, first + span + 1, self.frame_stride)
        if self.wrap:
            return [i % video_len for i in frame_inds]
        return [min(i, video_len - 1) for i in frame_inds]


@TRANSFORMS.register_module()
class SampleUniformClip(BaseSampleClip):
    """Sample one random frame from each of T equal parts of the video.

    The clip covers the whole video in temporal order; a video shorter than T
    frames has some of them repeated.

    Args:
        clip_len (int): Frames per clip, T.
    """

    def sample(self, record: dict) -> list[int]:
        """Choose the frames, see the class."""
        part = record['video_len'] / self.clip_len
        return [
            min(int((t + random.random()) * part), record['video_len'] - 1)
            for t in range(self.clip_len)
        ]


@TRANSFORMS.register_module()
class SampleKeyFrameClip(BaseSampleClip):
    """Sample a key frame and others from anywhere in the video.

    Both are annotated frames, those in which any instance is seen; the other T-1
    are drawn without replacement. As in TeViT's code the clip is not in temporal
    order: key frame first. Differs from the original: videos with fewer annotated
    frames than T repeat them, instead of being replaced by another video.

    Args:
        clip_len (int): Frames per clip, T.
        sort (bool): Whether to bring the clip into temporal order. Defaults to
            False.
    """

    def __init__(self, clip_len: int, sort: bool = False) -> None:
        super().__init__(clip_len)
        self.sort = sort

    def sample(self, record: dict) -> list[int]:
        """Choose the frames, see the class."""
        candidates = annotated_frames(record) or list(range(record['video_len']))
        random.shuffle(candidates)
        rounds = -(-self.clip_len // len(candidates))
        frame_inds = (candidates * rounds)[: self.clip_len]
        return sorted(frame_inds) if self.sort else frame_inds


@TRANSFORMS.register_module()
class SampleAllFrames(BaseSampleClip):
    """Take all frames of the video, or those it was indexed with.

    The first step of test pipelines, where
    :class:`~mmvis.datasets.samplers.VideoChunkSampler` names the frames.
    """

    def __init__(self) -> None:
        super().__init__(clip_len=1)

    def sample(self, record: dict) -> list[int]:
        """Choose all frames."""
        return list(range(record['video_len']))

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
