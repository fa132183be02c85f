"""Part `loader`: decoding and transforms of frames and clips."""

from __future__ import annotations

import math
import tempfile
import time
from argparse import Namespace
from pathlib import Path

from mmengine.config import ConfigDict
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope

from mmvis.benchmarks.models import read_cfg
from mmvis.benchmarks.protocol import Workload
from mmvis.benchmarks.videos import find_video_dataset, make_data
from mmvis.registry import DATASETS

__all__ = ['workloads']


def workloads(options: Namespace) -> list[Workload]:
    """The test frames of a video, and as many training clips, in one process.

    Beside the time, how many frames a loader worker yields in a second of a core, and,
    where the speed of the model is given, how many workers feed it.
    """
    cfg = read_cfg(options)
    init_default_scope(cfg.get('default_scope', 'mmvis'))
    # Kept until the workloads are gone.
    folder = tempfile.TemporaryDirectory(prefix='mmvis_loader_')
    size = f'{options.size[0]}x{options.size[1]}'
    found = []
    for name in ('test', 'train'):
        dataset = find_video_dataset(cfg[f'{name}_dataloader'].dataset)
        data = make_data(
            Path(folder.name), options.num_frames, tuple(options.size), dataset
        )
        items = _build(dataset, data)
        length = _clip_len(items)
        num_items = length * len(items)

        def run(
            items: BaseDataset = items,
            num_items: int = num_items,
            folder: object = folder,
        ) -> dict[str, float]:
            begin = time.process_time()
            for index in range(len(items)):
                items[index]
            return _speed(num_items / (time.process_time() - begin), options.model_fps)

        found.append(Workload(f'{name} clips of {length}, {size}', run, num_items))
    return found


def _speed(fps: float, model_fps: int | None) -> dict[str, float]:
    figures = {'frames/s per worker': fps}
    if model_fps is not None:
        figures[f'workers for {model_fps} frames/s'] = math.ceil(model_fps / fps)
    return figures


def _build(dataset: ConfigDict, data: dict[str, str]) -> BaseDataset:
    dataset = ConfigDict(dataset.to_dict())
    for key, value in data.items():
        *parents, last = key.split('.')
        place = dataset
        for parent in parents:
            place = place[parent]
        place[last] = value
    return DATASETS.build(dataset)


def _clip_len(items: BaseDataset) -> int:
    return len(items[0]['data_samples'])
