"""Writer of H.264 videos with variable timing."""

from __future__ import annotations

import os
from fractions import Fraction
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from mmvis.errors import UserValueError
from mmvis.sources.video_decoder import import_av

__all__ = ['VideoWriter']

# Encoders of H.264, in this order, with what makes each fast and good enough.
_ENCODERS = {
    'libx264': {'crf': '20', 'preset': 'veryfast'},
    'libopenh264': {'b': '8000000'},
    'h264_videotoolbox': {'b': '8000000'},
}

_TIME_BASE = Fraction(1, 90000)  # holds the usual rates exactly


class VideoWriter:
    """Write images to an mp4, one by one; a context manager.

    H.264 with 4:2:0 colours and the index in front is supported by browsers, editors
    and players. An image is shown until the time of the next one; the last one as long
    as the one before. A side of odd length gets one more pixel.

    Args:
        path (str | os.PathLike): The file.
        name (str): What messages call it.

    Raises:
        OSError: If it cannot be written.
        ValueError: If PyAV is not installed or has no encoder of H.264.
    """

    def __init__(self, path: str | os.PathLike, name: str) -> None:
        av = import_av()
        self._av = av
        self._name = name
        encoder = next((n for n in _ENCODERS if _has_encoder(av, n)), None)
        if encoder is None:
            raise UserValueError(
                f'This PyAV ({av.__version__}) has no encoder of H.264 '
                f'({", ".join(_ENCODERS)}). Install the wheel of PyPI: pip install av.'
            )
        self._encoder = encoder
        options = {'movflags': 'faststart'}
        self._container = av.open(os.fspath(path), 'w', format='mp4', options=options)
        self._stream: Any = None
        self._shape: tuple[int, ...] | None = None
        self._pts = -1
        self._step = 1
        self.num_frames = 0

    def add(self, picture: np.ndarray, time: float) -> None:
        """Write the next image.

        Args:
            picture (np.ndarray): BGR, uint8, shape (H, W, 3), all of one size.
            time (float): Seconds since the first one; it rises.

        Raises:
            ValueError: If the image has another size than the first one.
        """
        if self._shape is None:
            self._shape = picture.shape
        elif picture.shape != self._shape:
            raise UserValueError(
                f'frame {self.num_frames} of {self._name} is {picture.shape[:2]} '
                f'(h, w), the first one is {self._shape[:2]}'
            )
        picture = _even(picture)
        if self._stream is None:
            self._stream = self._open_stream(picture)
        frame = self._av.VideoFrame.from_ndarray(picture, format='bgr24')
        pts = max(round(time / _TIME_BASE), self._pts + 1)
        if self.num_frames:
            self._step = pts - self._pts
        self._pts = pts
        frame.pts, frame.time_base = pts, _TIME_BASE
        self._mux(frame)
        self.num_frames += 1

    def _open_stream(self, picture: np.ndarray) -> Any:
        stream = self._container.add_stream(
            self._encoder, options=dict(_ENCODERS[self._encoder])
        )
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = 'yuv420p'
        stream.codec_context.time_base = _TIME_BASE
        return stream

    def _mux(self, frame: Any) -> None:
        for packet in self._stream.encode(frame):
            if packet.pts == self._pts and frame is None:
                packet.duration = self._step
            self._container.mux(packet)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None and self._stream is None:
                raise UserValueError(f'there is no frame to write to {self._name}')
            if kind is None:
                self._mux(None)
        finally:
            if self._stream is not None or kind is None:
                self._container.close()


def _has_encoder(av: Any, name: str) -> bool:
    try:
        av.Codec(name, 'w')
    except av.codec.codec.UnknownCodecError:
        return False
    return True


def _even(picture: np.ndarray) -> np.ndarray:
    """Repeat the last row or column where a side is odd."""
    height, width = picture.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return np.ascontiguousarray(picture)
    return cv2.copyMakeBorder(
        picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE
    )
