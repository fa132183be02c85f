"""Part `growth`: time and memory as clips, frames, videos and objects grow."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator

import torch

from mmvis.benchmarks.merging import MovingObjects
from mmvis.benchmarks.models import build_model, frame_samples, random_clip
from mmvis.benchmarks.protocol import Point, Workload
from mmvis.inference import TestCfg, VideoStream
from mmvis.models.vis import ClipVISModel

__all__ = ['AXES', 'workloads']

_SIDE_STEP = 32  # pixels; backbones halve the sides five times
_NUM_IMAGES = 8  # of a video, in turn


def workloads(options: Namespace) -> list[Workload]:
    """A series of workloads for each axis; the value doubles from one to the next."""
    models = _Models(options)
    return [
        workload for name in options.against for workload in AXES[name](options, models)
    ]


class _Models:
    """The model of the command line, for clips of any length.

    Args:
        options (Namespace): Those of the part.
    """

    def __init__(self, options: Namespace) -> None:
        self._options = options
        #: With the clips of its config.
        self.default = self._build(None)

    def of_clips(self, clip_len: int) -> ClipVISModel:
        """The model for clips of a length; another one only if it has a fixed one."""
        is_fixed = getattr(self.default.head, 'clip_len', None) is not None
        return self._build(clip_len) if is_fixed else self.default

    def _build(self, clip_len: int | None) -> ClipVISModel:
        options = Namespace(**{**vars(self._options), 'clip_len': clip_len})
        model, _ = build_model(options)
        if options.checkpoint is None and hasattr(model.head, 'attn_mask_probs'):
            model.head.attn_mask_probs.zero_()  # as after a training
        return model.requires_grad_(False)


def _clip_len(options: Namespace, models: _Models) -> Iterator[Workload]:
    for num_frames in _doubled(options.clip_len, options.points):
        point = Point('frames of a clip', num_frames)
        model = models.of_clips(num_frames)
        clip = random_clip(num_frames, tuple(options.size), options.device)
        yield _forward(model, clip, point)


def _frame_size(options: Namespace, models: _Models) -> Iterator[Workload]:
    model = models.of_clips(options.clip_len)
    for i in range(options.points):
        height, width = (_rounded(side * 2 ** (i / 2)) for side in options.size)
        point = Point('pixels of a frame', height * width)
        clip = random_clip(options.clip_len, (height, width), options.device)
        yield _forward(model, clip, point)


def _forward(model: ClipVISModel, clip: torch.Tensor, point: Point) -> Workload:
    """A forward pass of one clip."""

    @torch.no_grad()
    def run() -> None:
        model(clip)

    _, T, _, height, width = clip.shape
    return Workload(f'forward, T={T}, {height}x{width}', run, T, point=point)


def _video_length(options: Namespace, models: _Models) -> Iterator[Workload]:
    """Frames one at a time through the network, to the record of the video."""
    size = tuple(options.size)
    model = models.default
    images = random_clip(_NUM_IMAGES, size, options.device)

    def frame(t: int) -> torch.Tensor:
        return images[:, t % _NUM_IMAGES][:, None]

    for num_frames in _doubled(options.num_frames, options.points):

        def run(num_frames: int = num_frames) -> None:
            _stream(model, model.test_cfg, num_frames, size, frame)

        name = f'video of {num_frames} frames, {size[0]}x{size[1]}'
        point = Point('frames of a video', num_frames)
        yield Workload(name, run, num_frames, point=point)


def _objects(options: Namespace, models: _Models) -> Iterator[Workload]:
    """Merging, and the record, of perfect predictions; the network does not run."""
    size, num_frames = tuple(options.size), options.num_frames
    cfg = models.default.test_cfg

    def frame(t: int) -> torch.Tensor:
        return torch.full((1, 1, 1, 1, 1), t)

    for num_objects in _doubled(options.objects, options.points):
        objects = MovingObjects(num_objects, num_frames, size)

        def run(objects: MovingObjects = objects) -> None:
            _stream(objects, cfg, num_frames, size, frame)

        name = f'merging of {num_objects} objects, {num_frames} frames'
        yield Workload(name, run, num_frames, point=Point('objects', num_objects))


#: How each axis is measured, by its name on the command line.
AXES: dict[str, Callable[[Namespace, _Models], Iterator[Workload]]] = {
    'clip-len': _clip_len,
    'frame-size': _frame_size,
    'video-length': _video_length,
    'objects': _objects,
}


@torch.no_grad()
def _stream(
    model: ClipVISModel | MovingObjects,
    cfg: TestCfg,
    num_frames: int,
    size: tuple[int, int],
    frame: Callable[[int], torch.Tensor],
) -> None:
    stream = VideoStream(model, cfg, ori_shape=size, video_len=num_frames)
    for t in range(num_frames):
        stream.push(frame(t), frame_samples(range(t, t + 1), size))
    stream.end()
    stream.record()


def _doubled(first: int, num: int) -> list[int]:
    return [first * 2**i for i in range(num)]


def _rounded(side: float) -> int:
    return max(round(side / _SIDE_STEP), 1) * _SIDE_STEP
