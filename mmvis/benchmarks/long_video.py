"""Part `long-video`: latency and memory per frame as videos grow."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch

from mmvis.apis import VISInferencer
from mmvis.benchmarks.end_to_end import build_inferencer
from mmvis.benchmarks.peak_memory import held_memory
from mmvis.benchmarks.process_memory import MemorySampler
from mmvis.benchmarks.protocol import Workload
from mmvis.benchmarks.videos import find_video_dataset, frame_folder, make_data
from mmvis.sources import open_source

__all__ = ['stream_workload', 'workloads']

MEGABYTE = 2**20
_NUM_IMAGES = 16
_NUM_POINTS = 100  # of a curve
_TEST = 'import sys; from mmvis.engine.test import main; main(sys.argv[1:])'
_PROGRESS = re.compile(r'\(test\)\s*\[\s*(\d+)/\d+\]')


def workloads(options: Namespace) -> list[Workload]:
    """A stream and a test of one video of each length.

    The stream gets frames of a memory, one at a time, as fast as it takes them; its
    results are dropped. The test is `mmvis test` in a process of its own, with loader
    workers; its memory is that of all its processes.
    """
    inferencer = build_inferencer(options)
    folder = tempfile.TemporaryDirectory(prefix='mmvis_long_video_')
    dataset = find_video_dataset(inferencer.model.cfg.test_dataloader.dataset)
    size = tuple(options.size)
    some = Path(folder.name) / 'some'
    make_data(some, _NUM_IMAGES, size, dataset)
    images = [frame.load() for frame in open_source(str(frame_folder(some)))]
    rows = [stream_workload(inferencer, images, length) for length in options.lengths]
    if options.no_test:
        return rows
    checkpoint = options.checkpoint
    if checkpoint is None:
        checkpoint = str(Path(folder.name) / 'initial.pth')
        content = dict(meta={}, state_dict=inferencer.model.state_dict())
        torch.save(content, checkpoint)
    chunk_len = inferencer.model.cfg.test_dataloader.sampler.get('chunk_len', 8)
    for length in options.lengths:
        data = Path(folder.name) / str(length)
        make_data(data, length, size, dataset)
        call = _test_call(options, checkpoint, data)
        run = partial(_run_test, call, length, chunk_len, folder)
        name = f'mmvis test, {length} frames, {size[0]}x{size[1]}'
        rows.append(Workload(name, run, length, is_once=True))
    return rows


def stream_workload(
    inferencer: VISInferencer, images: list[np.ndarray], num_frames: int
) -> Workload:
    """Frame after frame through ``VISInferencer.stream``.

    Latency of a frame is the time from when it was read to when its tracks are there.
    An online method needs no other frame; else the frames that it waits for count.

    Args:
        inferencer (VISInferencer): The model.
        images (list[ndarray]): Frames, shape (H, W, 3), repeated as often as needed.
        num_frames (int): Length of the video.

    Returns:
        Workload: Its figures: median and 95th percentile of the latency, and median
        times per frame in the first and the last quarter, all in ms. Its curves:
        latency, the median of successive frames, and memory, by frame.
    """
    device = str(next(inferencer.model.parameters()).device)
    curves: dict[str, list[float]] = {}
    every = -(-num_frames // _NUM_POINTS)

    def run() -> dict[str, float]:
        begun: list[float] = []
        ended: list[float] = []
        held: list[float] = []

        def frames() -> Iterator[np.ndarray]:
            for t in range(num_frames):
                begun.append(time.perf_counter())
                yield images[t % len(images)]

        for _ in inferencer.stream(frames()):
            ended.append(time.perf_counter())
            if len(ended) % every == 0:
                held.append(held_memory(device) or np.nan)
        latency = 1000 * (np.array(ended) - np.array(begun))
        whole = latency[: len(held) * every].reshape(-1, every)
        curves['frame'] = [every * (i + 1) for i in range(len(held))]
        curves['latency, ms'] = np.median(whole, axis=1).tolist()
        curves['memory of the process, MB'] = held
        steps = 1000 * np.diff(ended)
        return {
            'latency, median ms': float(np.median(latency)),
            'latency, 95 % ms': float(np.percentile(latency, 95)),
            **_quarters(steps),
        }

    size = images[0].shape
    name = f'stream, {num_frames} frames, {size[0]}x{size[1]}'
    return Workload(name, run, num_frames, curves=curves)


def _quarters(steps: np.ndarray) -> dict[str, float]:
    """Mean time per frame at the beginning and the end of a video."""
    num = max(len(steps) // 4, 1)
    return {
        'first quarter, ms': float(np.mean(steps[:num])),
        'last quarter, ms': float(np.mean(steps[-num:])),
    }


def _test_call(options: Namespace, checkpoint: str, folder: Path) -> list[str]:
    """`mmvis test` on the video of a folder."""
    changed = dict(options.cfg_options or {}) | {
        'test_dataloader.dataset.data_root': str(folder),
        'test_dataloader.dataset.ann_file': 'frames.json',
        'test_dataloader.dataset.data_prefix.img': 'valid/JPEGImages/',
        'test_evaluator.ann_file': str(folder / 'frames.json'),
        'test_evaluator.format_only': True,
        'default_hooks.logger.interval': 1,
    }
    given = [f'{key}={value}' for key, value in changed.items()]
    test = [sys.executable, '-c', _TEST, options.config, checkpoint]
    out = ['--verbose', '--work-dir', str(folder / 'test')]
    return [*test, *out, '--cfg-options', *given]


def _run_test(
    call: list[str], num_frames: int, chunk_len: int, folder: object
) -> dict[str, float]:
    """Run a test on a video of ``num_frames`` frames and watch it.

    Raises:
        RuntimeError: If it fails; the end of its output is in the message.
    """
    process = subprocess.Popen(
        call,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | dict(OMP_NUM_THREADS=str(torch.get_num_threads())),
    )
    sampler = MemorySampler(process.pid)
    sampler.start()
    lines: list[str] = []
    marks: list[tuple[float, int]] = []
    for line in process.stdout or ():
        lines.append(line)
        progress = _PROGRESS.search(line)
        # The last chunk is logged twice.
        if progress is not None and int(progress.group(1)) > len(marks):
            done = min(int(progress.group(1)) * chunk_len, num_frames)
            marks.append((time.monotonic(), done))
    status = process.wait()
    sampler.stop()
    if status != 0 or len(marks) < 2:
        raise RuntimeError(f'{" ".join(call)} failed:\n{"".join(lines[-30:])}')
    times, done = np.array(marks).T
    steps = 1000 * np.diff(times) / np.diff(done)
    peak = max(memory for _, memory in sampler.samples)
    return dict(memory=peak / MEGABYTE) | _quarters(steps)
