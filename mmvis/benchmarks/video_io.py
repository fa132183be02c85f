"""Part `video-io`: reading, drawing and writing of a video file."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from pycocotools import mask as mask_util

from mmvis.benchmarks.protocol import Workload
from mmvis.benchmarks.videos import frame_folder, make_data
from mmvis.inference import FrameTracks
from mmvis.outputs import FrameResult
from mmvis.sources import VideoFile, open_source
from mmvis.structures import EncodedMask, EncodedMasks
from mmvis.visualization import VideoWriter

__all__ = ['workloads']

NUM_TRACKS = 3


def workloads(options: Namespace) -> list[Workload]:
    """Each step on the video of the command line, or on one of moving shapes."""
    folder = tempfile.TemporaryDirectory(prefix='mmvis_video_io_')
    path = options.video
    if path is None:
        path = _make_video(Path(folder.name), options.num_frames, tuple(options.size))
    num_frames = VideoFile(path).num_frames or sum(1 for _ in VideoFile(path))

    def run(step: Callable[[str], int], folder: object) -> None:
        step(path)

    return [
        Workload(name, partial(run, step, folder), num_frames)
        for name, step in STEPS.items()
    ]


def _make_video(folder: Path, num_frames: int, size: tuple[int, int]) -> str:
    make_data(folder, num_frames, size, {})
    path = str(folder / 'shapes.mp4')
    with VideoWriter(path, name='shapes.mp4') as video:
        for frame in open_source(str(frame_folder(folder))):
            video.add(frame.load(), frame.time)
    return path


def check(path: str) -> int:
    """Check a video file without decoding it."""
    return VideoFile(path).num_frames or 0


def read_with_pyav(path: str) -> int:
    """Check and decode a video file as the inferencer does."""
    return sum(frame.load().ndim == 3 for frame in VideoFile(path))


def read_with_opencv(path: str) -> int:
    """Decode a video file with OpenCV."""
    reader, num_frames = cv2.VideoCapture(path), 0
    while reader.read()[0]:
        num_frames += 1
    return num_frames


def draw(path: str) -> int:
    """Read a video file, and draw three tracks on every frame."""
    return sum(frame.plot().ndim == 3 for frame in _made_up_results(path))


def write_with_pyav(path: str) -> int:
    """Read a video file, and write it as H.264."""
    with tempfile.NamedTemporaryFile(suffix='.mp4') as file:
        with VideoWriter(file.name, name='benchmark.mp4') as video:
            for frame in VideoFile(path):
                video.add(frame.load(), frame.time)
        return video.num_frames


def write_with_opencv(path: str) -> int:
    """Read a video file, and write it as MPEG-4 part 2 with OpenCV."""
    writer: cv2.VideoWriter | None = None
    num_frames = 0
    with tempfile.NamedTemporaryFile(suffix='.mp4') as file:
        for frame in VideoFile(path):
            image = frame.load()
            if writer is None:
                fourcc = cv2.VideoWriter.fourcc(*'mp4v')
                writer = cv2.VideoWriter(file.name, fourcc, 30, image.shape[1::-1])
            writer.write(image)
            num_frames += 1
        if writer is not None:
            writer.release()
    return num_frames


#: What is measured, by the name of its row.
STEPS = {
    'check of the file': check,
    'read with PyAV, checked': read_with_pyav,
    'read with OpenCV': read_with_opencv,
    'read and draw three tracks': draw,
    'read and write H.264 (PyAV)': write_with_pyav,
    'read and write MPEG-4 part 2 (OpenCV)': write_with_opencv,
}


def _made_up_results(path: str) -> Iterator[FrameResult]:
    """Frames of a video file with ellipses as tracks."""
    ids = list(range(NUM_TRACKS))
    labels, scores = torch.zeros(NUM_TRACKS).long(), torch.ones(NUM_TRACKS)
    masks = None
    for frame_id, frame in enumerate(VideoFile(path)):
        if masks is None:
            height, width = frame.load().shape[:2]
            masks = _ellipses(height, width)
        tracks = FrameTracks(frame_id, ids, labels, scores, masks, (height, width))
        yield FrameResult(tracks, frame.time, frame.load, ('object',))


def _ellipses(height: int, width: int) -> EncodedMasks:
    """Masks of three ellipses, each a quarter of the frame wide and high.

    They are encoded once, so that drawing is measured and encoding is not.
    """
    encoded = []
    for n in range(NUM_TRACKS):
        mask = np.zeros((height, width), dtype=np.uint8)
        centre = (width * (n + 1) // (NUM_TRACKS + 1), height // 2)
        cv2.ellipse(mask, centre, (width // 8, height // 4), 0, 0, 360, 1, -1)
        rle = mask_util.encode(np.asfortranarray(mask))
        x, y, w, h = mask_util.toBbox(rle).tolist()
        encoded.append(EncodedMask(rle['counts'], [x, y, x + w, y + h]))
    return EncodedMasks(encoded)
