"""Inference of one source, frame by frame."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import numpy as np
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.structures import InstanceData

from mmvis.errors import UserValueError
from mmvis.inference import FrameTracks, VideoStream
from mmvis.models.vis.base import ClipVISModel
from mmvis.outputs import FrameResult
from mmvis.registry import TRANSFORMS
from mmvis.sources import Frame, FrameSource

__all__ = ['Seconds', 'VideoPrediction', 'array_pipeline']

_MAX_RATIO = 64


@dataclass
class Seconds:
    """Wall-clock time by part, in seconds.

    Attributes:
        reading (float): Frames are read, decoded and prepared.
        model (float): The model runs; clips are joined; masks become RLE.
        writing (float): Frames are read again, drawn and written.
    """

    reading: float = 0.0
    model: float = 0.0
    writing: float = 0.0

    @contextmanager
    def count(self, part: str) -> Iterator[None]:
        """Add the time that the body takes to a part."""
        start = time.perf_counter()
        try:
            yield
        finally:
            setattr(self, part, getattr(self, part) + time.perf_counter() - start)

    def shares(self) -> str:
        """The parts in percent of their sum, for people."""
        total = self.reading + self.model + self.writing
        return ', '.join(
            f'{part} {100 * value / total:.0f} %'
            for part, value in vars(self).items()
            if total
        )


class VideoPrediction:
    """Iterate over the frames of a source as soon as their tracks are final.

    Memory: the frames of a window, whatever the length of the source, and with
    ``keep_record`` the RLE of the masks and a number for each frame.

    Args:
        model (ClipVISModel): The model, in eval mode.
        pipeline (Compose): Of :func:`array_pipeline`.
        source (FrameSource): The frames.
        chunk_len (int): Frames that are prepared and pushed at once.
        keep_record (bool): Whether :meth:`record` will be asked for.
        keep_images (bool): Whether images of final frames will be asked for.
        on_read (Callable): Called with the number of frames that were read and passed
            to the model. Defaults to nothing.

    Attributes:
        ori_shape (tuple[int, int]): Height and width of the video, pixels; zeros
            before its first frame.
        times (list[float]): With ``keep_record``: seconds of each frame.
        seconds (Seconds): Where the time went.
    """

    def __init__(
        self,
        model: ClipVISModel,
        pipeline: Compose,
        source: FrameSource,
        *,
        chunk_len: int,
        keep_record: bool,
        keep_images: bool,
        on_read: Callable[[int], None] = lambda num_frames: None,
    ) -> None:
        self._model = model
        self._pipeline = pipeline
        self._source = source
        self._chunk_len = chunk_len
        self._keep_record = keep_record
        self._keep_images = keep_images
        self._on_read = on_read
        self._stream: VideoStream | None = None
        self._frames = enumerate(source)
        self._waiting: dict[int, Frame] = {}  # frames that are not final
        self._classes = model.dataset_meta['classes']
        self.ori_shape = (0, 0)
        self.times: list[float] = []
        self.seconds = Seconds()
        self._is_stopped = False

    def stop(self) -> None:
        """End the video after the frames that were read."""
        self._is_stopped = True

    def __iter__(self) -> Iterator[FrameResult]:
        unseen = None
        while not self._is_stopped:
            with self.seconds.count('reading'):
                chunk = list(islice(self._frames, self._chunk_len))
                for frame_id, frame in chunk:
                    self._note(frame_id, frame)
                seen = [item for item in chunk if self._is_seen(item[0])]
            if not chunk:
                break
            yield from self._push(seen)
            self._on_read(len(chunk))
            # The model sees the last frame of a video in any case.
            unseen = None if self._is_seen(chunk[-1][0]) else chunk[-1]
        if unseen is not None:
            yield from self._push([unseen])
        if self._stream is None:
            raise UserValueError(f'{self._source.name} has no frames.')
        with self.seconds.count('model'):
            final = self._stream.end()
        yield from map(self._result, final)

    def record(self) -> InstanceData:
        """Record of the whole video, after the iteration."""
        assert self._stream is not None, 'no frame was read'
        return self._stream.record()

    def _is_seen(self, frame_id: int) -> bool:
        return frame_id % self._model.test_cfg.frame_stride == 0

    def _note(self, frame_id: int, frame: Frame) -> None:
        self._waiting[frame_id] = (
            frame if self._keep_images else frame._replace(load=_was_not_kept)
        )
        if self._keep_record:
            self.times.append(frame.time)

    def _push(self, chunk: list[tuple[int, Frame]]) -> Iterator[FrameResult]:
        """Pass frames to the model; return those that are final now."""
        if not chunk:
            return
        with self.seconds.count('reading'):
            images = [self._load(frame) for _, frame in chunk]
            clip = self._prepare(images, [frame_id for frame_id, _ in chunk])
        with self.seconds.count('model'):
            if self._stream is None:
                self._stream = self._model.open_stream(
                    self.ori_shape, keep_record=self._keep_record
                )
            data = self._model.data_preprocessor(pseudo_collate([clip]), False)
            final = self._stream.push(data['inputs'], data['data_samples'])
        yield from map(self._result, final)

    def _result(self, tracks: FrameTracks) -> FrameResult:
        frame = self._waiting.pop(tracks.frame_id)
        return FrameResult(tracks, frame.time, frame.load, self._classes)

    def _load(self, frame: Frame) -> np.ndarray:
        image = frame.load()
        height, width = image.shape[:2]
        if self.ori_shape == (0, 0):
            _check_ratio(image, frame.label)
            self.ori_shape = (height, width)
        if (height, width) != self.ori_shape:
            raise UserValueError(
                f'{frame.label} has {(height, width)} pixels (h, w), the first frame '
                f'has {self.ori_shape}. Frames of one video must have one size: scale '
                'them, or pass them as videos of their own.'
            )
        return image

    def _prepare(self, images: list[np.ndarray], frame_inds: list[int]) -> dict:
        """Pass frames through the test pipeline."""
        T = len(images)
        return self._pipeline(
            dict(
                img=images,
                frame_id=frame_inds,
                video_id=[1] * T,
                video_len=[0] * T,  # not known yet
                height=[image.shape[0] for image in images],
                width=[image.shape[1] for image in images],
            )
        )


def _check_ratio(image: np.ndarray, label: str) -> None:
    """Refuse what the test pipeline would scale to a side of no pixels."""
    height, width = image.shape[:2]
    if max(height, width) > _MAX_RATIO * min(height, width):
        raise UserValueError(
            f'{label} has {(height, width)} pixels (h, w): one side is more than '
            f'{_MAX_RATIO} times the other. Cut the frames.'
        )


def _was_not_kept() -> np.ndarray:
    raise AssertionError('images were not kept: keep_images=False')


def array_pipeline(cfg: Config) -> Compose:
    """Build the test pipeline of a config, for frames that are in memory.

    Raises:
        ValueError: If it does not begin by sampling and loading frames.
    """
    sampling, broadcast, *others = cfg.test_dataloader.dataset.pipeline
    loads_frames = broadcast.get('transforms', [{}])[0].get('type')
    if sampling.type != 'SampleAllFrames' or loads_frames != 'LoadFrameFromFile':
        raise UserValueError(
            '`test_dataloader.dataset.pipeline` must begin with SampleAllFrames and '
            'a TransformBroadcaster whose first transform is LoadFrameFromFile, got '
            f'{sampling.type}, then {loads_frames}.'
        )
    given = dict(type='LoadImageFromNDArray')
    broadcast = dict(broadcast, transforms=[given, *broadcast.transforms[1:]])
    return Compose([TRANSFORMS.build(step) for step in (broadcast, *others)])
