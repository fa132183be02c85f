"""Part `online`: a model with a state on a video, beside transformers' VidEoMT."""

from __future__ import annotations

import time
from argparse import Namespace
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from mmdet.structures import TrackSampleList
from torch import Tensor

from mmvis.benchmarks.models import build_model, frame_samples, random_clip
from mmvis.benchmarks.protocol import Workload
from mmvis.inference import VideoStream
from mmvis.models.vis import ClipVISModel
from mmvis.structures import AnyClipPrediction, ClipFeatures

__all__ = ['workloads']


def workloads(options: Namespace) -> list[Workload]:
    """Frame by frame to tracks as RLE, and all frames in one forward pass.

    Beside them, where transformers is installed and has the same network, its forward
    pass with the same weights, and its masks of single frames at the size of the video.
    """
    options.clip_len = None
    model, _ = build_model(options)
    model.requires_grad_(False)
    if options.checkpoint is None and hasattr(model.head, 'attn_mask_probs'):
        model.head.attn_mask_probs.zero_()  # as after a training
    size, num_frames = tuple(options.size), options.num_frames
    video = random_clip(num_frames, size, options.device)
    name = f'{num_frames} frames, {size[0]}x{size[1]}'

    @torch.no_grad()
    def forward() -> None:
        model(video)

    rows = [
        Workload(f'to results, {name}', lambda: _stream(model, video), num_frames),
        Workload(f'forward, {name}', forward, num_frames),
    ]
    if options.no_official or not _has_transformers(model, size):
        return rows
    from mmvis.benchmarks.transformers_videomt import TransformersVidEoMT

    theirs = TransformersVidEoMT(model, size[0])
    facts = {'difference': theirs.difference(model, video[:, :2])}
    return [
        *rows,
        Workload(
            f'to results, {name}, transformers',
            lambda: theirs.segment(video),
            num_frames,
        ),
        Workload(
            f'forward, {name}, transformers',
            lambda: theirs.forward(video) and None,
            num_frames,
            facts=facts,
        ),
    ]


def _has_transformers(model: ClipVISModel, size: tuple[int, int]) -> bool:
    """Whether transformers has this network; it takes squares only."""
    backbone, head = model.backbone, model.head
    return (
        find_spec('transformers') is not None
        and type(head).__name__ == 'VidEoMTHead'
        and head.propagation == 'linear'
        and getattr(backbone, 'pos_embed', None) is not None
        and size[0] == size[1]
    )


class _TimedModel:
    """A clip model that adds up the CPU seconds of its two steps."""

    def __init__(self, model: ClipVISModel) -> None:
        self.model = model
        self.frames = self.clips = 0.0

    def encode_frames(
        self, inputs: Tensor, data_samples: TrackSampleList
    ) -> ClipFeatures:
        begin = time.process_time()
        features = self.model.encode_frames(inputs, data_samples)
        self.frames += time.process_time() - begin
        return features

    def predict_clip(
        self, features: ClipFeatures, state: Any
    ) -> tuple[AnyClipPrediction, Any]:
        begin = time.process_time()
        prediction = self.model.predict_clip(features, state)
        self.clips += time.process_time() - begin
        return prediction


def _stream(model: ClipVISModel, video: Tensor) -> dict[str, float]:
    """Push the frames one by one, to the record of the video.

    Returns:
        dict[str, float]: Milliseconds from a frame to its tracks, and shares of the
        CPU time of what does not depend on other frames and of what does, in percent.
    """
    timed, (height, width) = _TimedModel(model), video.shape[-2:]
    stream = VideoStream(timed, model.test_cfg, ori_shape=(height, width))
    steps, cpu_begin = [], time.process_time()
    for t in range(video.shape[1]):
        begin = time.perf_counter()
        samples = frame_samples(range(t, t + 1), (height, width))
        stream.push(video[:, t : t + 1], samples)
        steps.append(1000 * (time.perf_counter() - begin))
    stream.end()
    stream.record()
    seconds = time.process_time() - cpu_begin
    return {
        'latency, median ms': float(np.median(steps)),
        'latency, 95 % ms': float(np.percentile(steps, 95)),
        'single frames, % of CPU': 100 * timed.frames / seconds,
        'clips, % of CPU': 100 * timed.clips / seconds,
    }
