"""The frames of a video file, decoded when they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mmvis.errors import UserValueError

__all__ = ['VideoFile']


class VideoFile(Sequence):
    """A video as a sequence of frames, of which none is kept.

    Its length is counted by going through the file once, because what containers say
    is often wrong. Ascending access decodes every frame once; going back starts again
    at the first frame.

    Args:
        path (str | Path): The file, in any format that OpenCV's FFmpeg reads.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it has no frame that can be decoded.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f'the video {self.path} does not exist.')
        self._reader: cv2.VideoCapture | None = None
        self._next = 0
        self._rewind()
        fps = self._reader.get(cv2.CAP_PROP_FPS)
        self.fps = fps if fps > 0 else 25.0
        while self._reader.grab():
            self._next += 1
        self._length = self._next
        if self._length == 0:
            raise UserValueError(
                f'{self.path} has no frame that OpenCV can decode. Convert it to '
                'H.264 in mp4, or to a folder of JPEG frames.'
            )

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> np.ndarray:
        """Decode a frame: BGR, uint8, shape (H, W, 3).

        Raises:
            IndexError: If there is no such frame.
            ValueError: If it cannot be decoded.
        """
        if not 0 <= index < self._length:
            raise IndexError(f'{self.path} has frames 0 to {self._length - 1}.')
        if index < self._next:
            self._rewind()
        while self._next < index:
            self._reader.grab()
            self._next += 1
        is_read, frame = self._reader.read()
        self._next += 1
        if not is_read:
            raise UserValueError(f'frame {index} of {self.path} cannot be decoded.')
        return frame

    def _rewind(self) -> None:
        if self._reader is not None:
            self._reader.release()
        self._reader = cv2.VideoCapture(str(self.path))
        self._next = 0
