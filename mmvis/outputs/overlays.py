"""The overlay video and the strip of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mmvis.atomic_file import atomic_file
from mmvis.outputs.frame_result import FrameResult
from mmvis.outputs.video_facts import VideoFacts
from mmvis.visualization import (
    OVERLAY_MIN_SIDE,
    STRIP_MIN_SIDE,
    EvenlySpaced,
    LabelLayout,
    VideoWriter,
    enlargement,
    join_strip,
    write_image,
)

__all__ = ['write_overlay', 'write_tracks_strip']


@contextmanager
def write_overlay(path: Path, facts: VideoFacts) -> Iterator[Callable]:
    """Write a video with the tracks drawn, with the timing of the source."""
    with (
        atomic_file(path) as partial,
        VideoWriter(partial, name=path.name) as video,
    ):
        layout = LabelLayout()

        def add(frame: FrameResult) -> None:
            scale = enlargement(frame.image, OVERLAY_MIN_SIDE)
            video.add(frame.plot(scale, layout), frame.time)

        yield add


@contextmanager
def write_tracks_strip(path: Path, facts: VideoFacts) -> Iterator[Callable]:
    """Write some evenly spaced frames side by side."""
    chosen: EvenlySpaced[FrameResult] = EvenlySpaced(6)
    yield chosen.add
    pictures = {}
    for frame in chosen.items():
        scale = enlargement(frame.image, STRIP_MIN_SIDE)
        pictures[frame.frame_id] = frame.plot(scale)
    if pictures:
        write_image(path, join_strip(pictures))
