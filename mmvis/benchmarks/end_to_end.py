"""Part `end-to-end`: a video in files to tracks with masks as RLE."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from pathlib import Path

import numpy as np
import torch
from mmengine.dataset import pseudo_collate

from mmvis.apis import VISInferencer
from mmvis.apis.video_prediction import array_pipeline
from mmvis.benchmarks.host_transfers import DeviceTensor, count_host_transfers
from mmvis.benchmarks.models import clip_options, read_cfg
from mmvis.benchmarks.protocol import Workload
from mmvis.benchmarks.videos import find_video_dataset, frame_folder, make_data
from mmvis.models.vis import ClipVISModel
from mmvis.sources import open_source

__all__ = ['build_inferencer', 'workloads']


def workloads(options: Namespace) -> list[Workload]:
    """A video with all that belongs to it, and the model alone on its frames."""
    inferencer = build_inferencer(options)
    model = inferencer.model
    folder = tempfile.TemporaryDirectory(prefix='mmvis_end_to_end_')
    video = options.video
    if video is None:
        dataset = find_video_dataset(model.cfg.test_dataloader.dataset)
        size = tuple(options.size)
        make_data(Path(folder.name), options.num_frames, size, dataset)
        video = str(frame_folder(Path(folder.name)))
    images = [frame.load() for frame in open_source(video)]
    chunks = _prepare(model, images, inferencer.chunk_len)
    size = images[0].shape[:2]

    def whole() -> dict[str, float]:
        with tempfile.TemporaryDirectory(dir=folder.name) as out_dir:
            result = inferencer(
                video, out_dir, formats=options.formats, show_progress=False
            )
        seconds = inferencer.seconds
        return {
            'reading, wall s': seconds.reading,
            'writing, wall s': seconds.writing,
            'tracks': len(result),
        }

    def model_only(kind: type[torch.Tensor] = torch.Tensor) -> None:
        stream = model.open_stream(size, len(images))
        for inputs, data_samples in chunks:
            stream.push(inputs.as_subclass(kind), data_samples)
        stream.end()
        stream.record()

    facts = {}
    if not options.fast:  # its operators take plain tensors
        with count_host_transfers() as transfers:
            model_only(DeviceTensor)
        facts = {
            'host transfers per frame': transfers.total() / len(images),
            'kB to the host per frame': transfers.num_bytes / len(images) / 1000,
        }

    name = f'{len(images)} frames, {size[0]}x{size[1]}'
    return [
        Workload(f'end to end, {name}, to {", ".join(options.formats)}', whole,
                 len(images)),
        Workload(f'model only, {name}', model_only, len(images), facts=facts),
    ]  # fmt: skip


def build_inferencer(options: Namespace) -> VISInferencer:
    """The model of the command line, for videos."""
    cfg = read_cfg(options)
    if options.clip_len is not None:
        cfg.merge_from_dict(clip_options(cfg, options.clip_len))
    torch.manual_seed(0)
    fast = options.fast
    return VISInferencer(cfg, options.checkpoint, options.device, fast=fast)


def _prepare(
    model: ClipVISModel, images: list[np.ndarray], chunk_len: int
) -> list[tuple[torch.Tensor, list]]:
    """Pass frames through the test pipeline, in chunks."""
    pipeline, chunks = array_pipeline(model.cfg), []
    for begin in range(0, len(images), chunk_len):
        part = images[begin : begin + chunk_len]
        T, (height, width) = len(part), part[0].shape[:2]
        clip = dict(
            img=part,
            frame_id=list(range(begin, begin + T)),
            video_id=[1] * T,
            video_len=[len(images)] * T,
            height=[height] * T,
            width=[width] * T,
        )
        data = model.data_preprocessor(pseudo_collate([pipeline(clip)]), False)
        chunks.append((data['inputs'], data['data_samples']))
    return chunks
