"""Time and memory of tools/test.py on videos of growing length.

Creates one video for each length, tests on it in a separate process, and prints peak
memory and time per frame. Memory is that of the process with its loader workers.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.utils import import_modules_from_strings
from process_memory import MemorySampler

from mmvis.engine.command_line import ToolArgumentParser

TEST_TOOL = Path(__file__).resolve().parents[1] / 'test.py'
PROGRESS = re.compile(r'\(test\)\s*\[\s*(\d+)/\d+\]')
MEGABYTE = 2**20


@dataclass(frozen=True)
class LongRun:
    """Time and memory of one run of tools/test.py.

    Attributes:
        num_frames (int): Length of the video.
        frames (ndarray): Frames done at the end of each chunk, shape (n,).
        frame_times (ndarray): Seconds per frame of each chunk, shape (n,).
        memory (ndarray): Highest memory during each chunk, bytes, shape (n,).
        peak_memory (int): Highest memory of the process tree, bytes.
        peak_main (int): Highest resident set of the main process, bytes.
        seconds (float): Duration of the whole run.
    """

    num_frames: int
    frames: np.ndarray
    frame_times: np.ndarray
    memory: np.ndarray
    peak_memory: int
    peak_main: int
    seconds: float

    def quarter_ms(self) -> tuple[float, float]:
        """Median milliseconds per frame in the first and in the last quarter."""
        num_chunks = max(len(self.frame_times) // 4, 1)
        parts = self.frame_times[:num_chunks], self.frame_times[-num_chunks:]
        return tuple(1000 * float(np.median(part)) for part in parts)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ToolArgumentParser(__doc__)
    parser.add_argument('config', help='config file of the model')
    parser.add_argument(
        'checkpoint', nargs='?', help='its weights (default: as initialised)'
    )
    parser.add_argument(
        '--frames', type=int, nargs='+', default=[100, 2000], help='lengths of videos'
    )
    parser.add_argument(
        '--size', type=int, nargs=2, default=[96, 160], help='height and width, pixels'
    )
    parser.add_argument(
        '--work-dir', default='work_dirs/long_video', help='videos and results'
    )
    parser.add_argument('--out', help='the curves (default: WORK_DIR/long_video.png)')
    parser.add_cfg_options('model.test_cfg.clip_stride=3')
    return parser.parse_args()


def make_video(folder: Path, num_frames: int, size: list[int], cfg: Config) -> None:
    """Make an unannotated data set of one video with the config's categories."""
    from mmvis.datasets.categories import DATASET_CLASSES
    from mmvis.datasets.shapes_vis import ShapesVISSpec, generate_shapes_vis

    spec = ShapesVISSpec(
        num_train=0,
        num_valid=1,
        num_train_frames=1,
        num_valid_frames=num_frames,
        height=size[0],
        width=size[1],
    )
    generate_shapes_vis(str(folder), spec)
    content = json.loads((folder / 'valid.json').read_text())
    version = cfg.test_dataloader.dataset.get('dataset_version')
    if version is not None:
        names = DATASET_CLASSES[version]
        content['categories'] = [dict(id=i + 1, name=n) for i, n in enumerate(names)]
    del content['annotations']
    (folder / 'test.json').write_text(json.dumps(content))


def save_initial_weights(cfg: Config, path: Path) -> None:
    """Write a checkpoint of the model as it is built."""
    import torch
    from mmengine.registry import init_default_scope

    from mmvis.registry import MODELS

    import_modules_from_strings(**cfg.get('custom_imports', dict(imports=[])))
    init_default_scope(cfg.default_scope)
    torch.manual_seed(0)
    torch.save(dict(meta={}, state_dict=MODELS.build(cfg.model).state_dict()), path)


def command(args: argparse.Namespace, checkpoint: str, folder: Path) -> list[str]:
    """The call of tools/test.py on one video."""
    options = dict(args.cfg_options or {}) | {
        'test_dataloader.dataset.data_root': str(folder),
        'test_dataloader.dataset.ann_file': 'test.json',
        'test_dataloader.dataset.data_prefix.img': 'valid/JPEGImages/',
        'test_evaluator.ann_file': str(folder / 'test.json'),
        'test_evaluator.format_only': True,
        'default_hooks.logger.interval': 1,
    }
    given = [f'{key}={value}' for key, value in options.items()]
    test = [sys.executable, str(TEST_TOOL), args.config, checkpoint]
    work_dir = str(folder / 'test')
    return [*test, '--verbose', '--work-dir', work_dir, '--cfg-options', *given]


def run_test(call: list[str], num_frames: int, chunk_len: int) -> LongRun:
    """Run tools/test.py on a video of ``num_frames`` frames and watch it.

    Raises:
        RuntimeError: If it fails; the end of its output is in the message.
    """
    begin = time.monotonic()
    process = subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    sampler = MemorySampler(process.pid)
    sampler.start()
    lines, marks = [], []
    for line in process.stdout:
        lines.append(line)
        progress = PROGRESS.search(line)
        # The last chunk is logged twice.
        if progress is not None and int(progress.group(1)) > len(marks):
            marks.append((time.monotonic(), int(progress.group(1)) * chunk_len))
    _, status, usage = os.wait4(process.pid, 0)
    end = time.monotonic()
    sampler.stop()
    if os.waitstatus_to_exitcode(status) != 0 or len(marks) < 2:
        raise RuntimeError(f'{" ".join(call)} failed:\n{"".join(lines[-30:])}')
    times = np.array([t for t, _ in marks])
    frames = np.minimum([f for _, f in marks], num_frames)
    sample_times, samples = np.array(sampler.samples).T
    chunk_of = np.searchsorted(times[1:-1], sample_times)
    return LongRun(
        num_frames=num_frames,
        frames=frames[1:],
        frame_times=np.diff(times) / np.diff(frames),
        memory=np.array(
            [samples[chunk_of == i].max(initial=0) for i in range(len(frames) - 1)]
        ),
        peak_memory=int(samples.max()),
        peak_main=usage.ru_maxrss * 1024,
        seconds=end - begin,
    )


def print_table(runs: list[LongRun]) -> None:
    """Print one line per run, memory also relative to the first."""
    print('         whole    ms per frame, median of    peak memory, MB')
    print('frames   run, s   first and last quarter     with workers      main process')
    first = runs[0]
    for run in runs:
        early, late = run.quarter_ms()
        with_workers = run.peak_memory / first.peak_memory
        main = run.peak_main / first.peak_main
        print(
            f'{run.num_frames:6d} {run.seconds:8.1f}   {early:9.1f}    {late:9.1f}     '
            f'{run.peak_memory / MEGABYTE:6.0f} (x {with_workers:.3f})  '
            f'{run.peak_main / MEGABYTE:6.0f} (x {main:.3f})'
        )


def draw(runs: list[LongRun], path: str | Path) -> None:
    """Draw time per frame and memory over the frames of each video."""
    import matplotlib as mpl

    mpl.use('Agg')
    from matplotlib import pyplot as plt

    figure, (time_axes, memory_axes) = plt.subplots(2, sharex=True, figsize=(8, 6))
    for run in runs:
        label = f'{run.num_frames} frames'
        time_axes.plot(run.frames, 1000 * run.frame_times, label=label, lw=1)
        known = run.memory > 0
        memory_axes.plot(run.frames[known], run.memory[known] / MEGABYTE, label=label)
    time_axes.set(ylabel='ms per frame', ylim=(0, None))
    memory_axes.set(ylabel='memory, MB', xlabel='frame', ylim=(0, None))
    time_axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Make the videos, test on them, report."""
    args = parse_args()

    from mmvis.engine.run_config import merge_options, read_config

    cfg = read_config(args.config)
    merge_options(cfg, args.cfg_options)
    work_dir = Path(args.work_dir).resolve()
    work_dir.mkdir(parents=True, exist_ok=True)
    checkpoint = args.checkpoint
    if checkpoint is None:
        checkpoint = str(work_dir / 'initial.pth')
        save_initial_weights(cfg, Path(checkpoint))
    chunk_len = cfg.test_dataloader.sampler.get('chunk_len', 8)
    runs = []
    for num_frames in args.frames:
        folder = work_dir / f'video_{args.size[0]}x{args.size[1]}_{num_frames}'
        make_video(folder, num_frames, args.size, cfg)
        call = command(args, checkpoint, folder)
        runs.append(run_test(call, num_frames, chunk_len))
    print_table(runs)
    out = args.out or work_dir / 'long_video.png'
    draw(runs, out)
    print(f'curves: {out}')


if __name__ == '__main__':
    main()
