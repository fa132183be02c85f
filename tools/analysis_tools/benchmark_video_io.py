"""Time and memory of reading, drawing and writing a video, beside those of a model."""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from pycocotools import mask as mask_util

from mmvis.engine.command_line import ToolArgumentParser
from mmvis.engine.user_errors import user_errors
from mmvis.sources import VideoFile

if TYPE_CHECKING:
    from mmvis.outputs import FrameResult
    from mmvis.structures import EncodedMask

EXAMPLES = """examples:
  python tools/analysis_tools/benchmark_video_io.py dog.mp4
  the shares of reading, model and writing in a whole run:
    python tools/analysis_tools/benchmark_video_io.py dog.mp4 --config CONFIG
"""

NUM_TRACKS = 3


def read_with_pyav(path: str) -> int:
    """Check and decode a video file as the inferencer does."""
    return sum(frame.load().ndim == 3 for frame in VideoFile(path))


def read_with_opencv(path: str) -> int:
    """Decode a video file with OpenCV."""
    reader, num_frames = cv2.VideoCapture(path), 0
    while reader.read()[0]:
        num_frames += 1
    return num_frames


def check(path: str) -> int:
    """Check a video file without decoding it."""
    return VideoFile(path).num_frames


def draw(path: str) -> int:
    """Read a video file, and draw three tracks on every frame."""
    return sum(frame.plot().ndim == 3 for frame in made_up_results(path))


def write_with_pyav(path: str) -> int:
    """Read a video file, and write it as H.264."""
    from mmvis.visualization import VideoWriter

    with tempfile.NamedTemporaryFile(suffix='.mp4') as file:
        with VideoWriter(file.name, name='benchmark.mp4') as video:
            for frame in VideoFile(path):
                video.add(frame.load(), frame.time)
        return video.num_frames


def write_with_opencv(path: str) -> int:
    """Read a video file, and write it as MPEG-4 part 2 with OpenCV."""
    writer, num_frames = None, 0
    with tempfile.NamedTemporaryFile(suffix='.mp4') as file:
        for frame in VideoFile(path):
            image = frame.load()
            if writer is None:
                fourcc = cv2.VideoWriter_fourcc(*'mp4v')
                writer = cv2.VideoWriter(file.name, fourcc, 30, image.shape[1::-1])
            writer.write(image)
            num_frames += 1
        writer.release()
    return num_frames


def made_up_results(path: str) -> Iterator[FrameResult]:
    """Frames of a video file with ellipses as tracks."""
    import torch

    from mmvis.inference import FrameTracks
    from mmvis.outputs import FrameResult

    masks = None
    for frame_id, frame in enumerate(VideoFile(path)):
        if masks is None:
            size = frame.load().shape[:2]
            masks = _Ellipses(size)
        ids = list(range(NUM_TRACKS))
        labels, scores = torch.zeros(NUM_TRACKS).long(), torch.ones(NUM_TRACKS)
        tracks = FrameTracks(frame_id, ids, labels, scores, masks, size)
        yield FrameResult(tracks, frame.time, frame.load, ('object',))


class _Ellipses:
    """Masks of three ellipses, each a quarter of the frame wide and high."""

    def __init__(self, size: tuple[int, int]) -> None:
        from mmvis.structures import EncodedMask

        height, width = size
        self._encoded = []
        for n in range(NUM_TRACKS):
            mask = np.zeros(size, dtype=np.uint8)
            centre = (width * (n + 1) // (NUM_TRACKS + 1), height // 2)
            cv2.ellipse(mask, centre, (width // 8, height // 4), 0, 0, 360, 1, -1)
            rle = mask_util.encode(np.asfortranarray(mask))
            x, y, w, h = mask_util.toBbox(rle).tolist()
            self._encoded.append(EncodedMask(rle['counts'], [x, y, x + w, y + h]))

    def select(self, rows: Sequence[int]) -> _Ellipses:
        chosen = copy(self)
        chosen._encoded = [self._encoded[n] for n in rows]
        return chosen

    def encode(self, size: tuple[int, int]) -> list[EncodedMask]:
        return self._encoded


PARTS = (
    check,
    read_with_pyav,
    read_with_opencv,
    draw,
    write_with_pyav,
    write_with_opencv,
)


def measure(part: Callable[[str], int], path: str) -> dict:
    """Run a part in a separate process.

    Returns:
        dict: ``frames``, ``seconds`` of the clock and of the CPU, and ``memory`` in MB:
        the peak of the process less what it had before.
    """
    context = multiprocessing.get_context('spawn')
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(part, path, sender))
    process.start()
    sender.close()
    figures = receiver.recv()
    process.join()
    return figures


def _run(part: Callable[[str], int], path: str, sender: Connection) -> None:
    import_module('mmvis.apis')  # what parts import is not measured
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin, cpu_begin = time.perf_counter(), time.process_time()
    frames = part(path)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu_begin
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    sender.send(dict(frames=frames, seconds=seconds, cpu=cpu, memory=memory / 1024))


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ToolArgumentParser(__doc__, EXAMPLES)
    parser.add_argument('video', nargs='+', help='video files')
    parser.add_argument('--config', help='config of a model to run on the first one')
    parser.add_argument('--checkpoint', help='its weights (default: random)')
    parser.add_argument('--device', help='e.g. cpu or cuda:1 (default: a GPU if any)')
    return parser.parse_args()


def main() -> None:
    """Print a line for each part and video."""
    args = parse_args()
    with user_errors(args.config or 'benchmark'):
        for path in args.video:
            VideoFile(path)  # mistakes are found here, not in another process
            print(f'{Path(path).name}: ms per frame, of the clock and of the CPU')
            for part in PARTS:
                figures = measure(part, path)
                per_frame = 1000 / figures['frames']
                print(
                    f'  {part.__name__:18s} {per_frame * figures["seconds"]:8.2f}'
                    f' {per_frame * figures["cpu"]:8.2f}   {figures["frames"]} frames,'
                    f' {figures["memory"]:.0f} MB'
                )
        if args.config is not None:
            from mmvis.apis import VISInferencer

            inferencer = VISInferencer(args.config, args.checkpoint, args.device)
            with tempfile.TemporaryDirectory() as folder:
                inferencer(args.video[0], Path(folder), formats=('json', 'video'))


if __name__ == '__main__':
    main()
