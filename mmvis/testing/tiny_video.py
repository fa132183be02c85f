"""Tiny videos on disk for tests."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from mmvis.sources.video_decoder import import_av

__all__ = ['make_tiny_video', 'tiny_frame', 'turn_video']

# The fastest settings; a file made twice is the same.
_OPTIONS = {
    'libx264': {'preset': 'ultrafast', 'bf': '2'},
    'libx265': {'preset': 'ultrafast', 'x265-params': 'log-level=none'},
    'libvpx-vp9': {'cpu-used': '8'},
    'libvpx': {'cpu-used': '8', 'auto-alt-ref': '1', 'lag-in-frames': '10'},
}


def make_tiny_video(
    path: str | Path,
    num_frames: int = 7,
    *,
    codec: str = 'libx264',
    size: tuple[int, int] = (32, 48),
    times: Sequence[float] | None = None,
    fps: float = 12.5,
    pix_fmt: str = 'yuv420p',
    options: dict[str, str] | None = None,
) -> Path:
    """Write a video of a bar that moves over grey, brighter from frame to frame.

    The grey level of frame t is 30 t modulo 240; the bar is black, 4 pixels wide, and
    moves right by 2 pixels a frame.

    Args:
        path (str | Path): The file; its ending chooses the container.
        num_frames (int): Frames of the video. Defaults to 7.
        codec (str): An encoder of FFmpeg. Defaults to 'libx264'.
        size (tuple[int, int]): Height and width, pixels. Defaults to (32, 48).
        times (Sequence[float], optional): Seconds at which the frames are shown.
            Defaults to None: ``fps``.
        fps (float): Frames per second. Defaults to 12.5.
        pix_fmt (str): Pixel format. Defaults to 'yuv420p'.
        options (dict[str, str], optional): Of the container, e.g.
            ``{'movflags': 'faststart'}``.

    Returns:
        Path: The file.
    """
    av = import_av()
    path = Path(path)
    with av.open(str(path), 'w', options=options or {}) as container:
        rate = Fraction(fps).limit_denominator(1001)
        stream = container.add_stream(codec, rate=rate, options=_OPTIONS.get(codec))
        stream.height, stream.width = size
        stream.pix_fmt = pix_fmt
        stream.codec_context.thread_count = 1
        for t in range(num_frames):
            frame = av.VideoFrame.from_ndarray(tiny_frame(t, size), format='bgr24')
            if times is not None:
                frame.time_base = stream.codec_context.time_base = Fraction(1, 1000)
                frame.pts = round(1000 * times[t])
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def tiny_frame(t: int, size: tuple[int, int]) -> np.ndarray:
    """Frame t of :func:`make_tiny_video`: BGR, uint8, shape (H, W, 3)."""
    frame = np.full((*size, 3), 30 * t % 240, dtype=np.uint8)
    frame[size[0] // 4 : size[0] // 2, 2 * t : 2 * t + 4] = 0
    return frame


def turn_video(path: Path, matrix: Sequence[int]) -> None:
    """Set the rotation of an mp4, as phones do.

    Args:
        path (Path): The file, changed in place.
        matrix (Sequence[int]): a, b, c, d of the display matrix, each -1, 0 or 1.
    """
    content = bytearray(path.read_bytes())
    start = content.index(b'tkhd') + 44  # ISO 14496-12, Sec. 8.3.2
    a, b, c, d = (65536 * value for value in matrix)
    values = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], dtype='>i4')
    content[start : start + 36] = values.tobytes()
    path.write_bytes(content)
