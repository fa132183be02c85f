"""Part `merging`: clips to tracks to RLE, without a network."""

from __future__ import annotations

from argparse import Namespace

import torch
from mmdet.structures import TrackSampleList
from torch import Tensor

from mmvis.benchmarks.models import frame_samples
from mmvis.benchmarks.protocol import Workload
from mmvis.inference import TestCfg, VideoStream
from mmvis.structures import ClipFeatures, ClipPrediction

__all__ = ['MovingObjects', 'workloads']

_NUM_CLASSES = 40
_MASK_STRIDE = 8  # pixels of the video


class MovingObjects:
    """Perfect predictions of discs that move through a video, clip by clip.

    Each frame is a tensor that holds its index; the queries of an object are the same
    in every clip.

    Args:
        num_objects (int): N.
        num_frames (int): Length of the video.
        size (tuple[int, int]): Height and width of the video in pixels.
    """

    def __init__(
        self, num_objects: int, num_frames: int, size: tuple[int, int]
    ) -> None:
        generator = torch.Generator().manual_seed(0)
        h, w = (-(-side // _MASK_STRIDE) for side in size)
        start, speed = torch.rand(2, num_objects, 2, generator=generator)
        times = torch.arange(num_frames)[None, :, None] / num_frames
        centres = (
            start[:, None] + 0.3 * (speed[:, None] - 0.5) * times
        ) % 1  # (N, T, 2)
        y = torch.arange(h)[:, None] / h - centres[..., :1, None]  # (N, T, h, 1)
        x = torch.arange(w)[None, :] / w - centres[..., 1:, None]  # (N, T, 1, w)
        self.mask_logits = 20 * (0.15 - (y**2 + x**2).sqrt())
        labels = torch.arange(num_objects) % _NUM_CLASSES
        self.cls_probs = torch.full((num_objects, _NUM_CLASSES + 1), 0.002)
        self.cls_probs[torch.arange(num_objects), labels] = 0.9

    def encode_frames(
        self, inputs: Tensor, data_samples: TrackSampleList
    ) -> ClipFeatures:
        """The frames are their features."""
        return ClipFeatures((inputs,), (1,), (inputs[:, :, 0] < 0,))

    def predict_clip(
        self, features: ClipFeatures, state: None
    ) -> tuple[ClipPrediction, None]:
        """All objects in the frames of a clip."""
        frames = features.maps[0].flatten().long()
        masks = self.mask_logits[:, frames[0] : frames[-1] + 1]
        return ClipPrediction(self.cls_probs, masks, torch.arange(len(masks))), None


def workloads(options: Namespace) -> list[Workload]:
    """All clips of a video through a merger, to the record of the video."""
    size = tuple(options.size)
    num_frames = options.num_frames
    model = MovingObjects(options.objects, num_frames, size)
    cfg = TestCfg(
        clip_len=options.clip_len or 5,
        clip_stride=options.clip_stride,
        merger=dict(type=options.merger),
    )

    def run() -> dict[str, float]:
        stream = VideoStream(model, cfg, ori_shape=size, video_len=num_frames)
        for t in range(num_frames):
            frame = torch.full((1, 1, 1, 1, 1), t)
            stream.push(frame, frame_samples(range(t, t + 1), size))
        stream.end()
        return dict(tracks=len(set(stream.record().instances_id.tolist())))

    name = (
        f'{options.merger}, {num_frames} frames, {options.objects} objects, '
        f'{size[0]}x{size[1]}'
    )
    return [Workload(name, run, num_frames)]
