"""Strip of frames of a video, side by side and in rows, in one image."""

import os
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import cv2
import numpy as np
from mmengine.structures import InstanceData

from mmvis.atomic_file import atomic_file
from mmvis.errors import UserValueError
from mmvis.visualization.draw_tracks import draw_tracks, enlargement

__all__ = [
    'STRIP_MIN_SIDE',
    'EvenlySpaced',
    'draw_strip',
    'join_strip',
    'write_image',
    'write_strip',
]

STRIP_MIN_SIDE = 240  # pixels

T = TypeVar('T')

_GAP = 6  # pixels between the frames
_MAX_WIDTH = 1920  # pixels of a strip


def draw_strip(
    frames: Sequence[np.ndarray],
    tracks: InstanceData,
    classes: Sequence[str],
    num_frames: int = 6,
    score_thr: float = 0.3,
    min_side: int = STRIP_MIN_SIDE,
) -> np.ndarray:
    """Draw evenly spaced frames of a video, first and last included.

    Args:
        frames (Sequence[np.ndarray]): The frames of the video, each BGR, uint8, shape
            (H, W, 3); only the chosen ones are asked for.
        tracks (InstanceData): Record of the tracks, see :func:`draw_tracks`.
        classes (Sequence[str]): Category names in the order of the labels.
        num_frames (int): Frames in the strip, at most. Defaults to 6.
        score_thr (float): Tracks with a lower score are left out. Defaults to 0.3.
        min_side (int): Smaller frames are enlarged by a whole factor until their
            shorter side has so many pixels. Defaults to 240.

    Returns:
        np.ndarray: BGR, uint8, with the number of each frame in its corner.

    Raises:
        ValueError: If there is no frame, or ``num_frames`` is not positive.
    """
    if len(frames) == 0 or num_frames < 1:
        raise UserValueError(
            'a strip needs at least one frame, got '
            f'{len(frames)} and num_frames={num_frames}'
        )
    pictures = {}
    for frame_id in _evenly_spaced(range(len(frames)), num_frames):
        frame = frames[frame_id]
        scale = enlargement(frame, min_side)
        pictures[frame_id] = draw_tracks(
            frame, tracks, frame_id, classes, score_thr, scale=scale
        )
    return join_strip(pictures)


def join_strip(pictures: Mapping[int, np.ndarray]) -> np.ndarray:
    """Put frames side by side, each with its number in the corner.

    Where they would be wider than a screen, they go on in a row below.

    Args:
        pictures (Mapping[int, np.ndarray]): Images by frame, each BGR, uint8, shape
            (H, W, 3); the numbers are drawn on them.

    Returns:
        np.ndarray: BGR, uint8, shape (H', W', 3); at most 1920 pixels wide, unless
        one frame is wider.
    """
    for frame_id, picture in pictures.items():
        _number(picture, frame_id)
    images = list(pictures.values())
    height, width = images[0].shape[:2]
    num_columns = max((_MAX_WIDTH + _GAP) // (width + _GAP), 1)
    num_rows = -(-len(images) // num_columns)
    num_columns = -(-len(images) // num_rows)  # rows of equal length
    size = (num_rows * (height + _GAP) - _GAP, num_columns * (width + _GAP) - _GAP)
    strip = np.full((*size, 3), 255, dtype=np.uint8)
    for place, image in enumerate(images):
        row, column = divmod(place, num_columns)
        y, x = row * (height + _GAP), column * (width + _GAP)
        strip[y : y + height, x : x + width] = image
    return strip


class EvenlySpaced(Generic[T]):
    """Evenly spaced items of a sequence of unknown length, first and last included.

    Memory: at most four times as many items as are wanted.

    Args:
        num_items (int): How many are wanted, at least 2.
    """

    def __init__(self, num_items: int) -> None:
        self._num_items = num_items
        self._step = 1
        self._kept: list[T] = []
        self._num_seen = 0
        self._last: list[T] = []  # at most one

    def add(self, item: T) -> None:
        """Take the next item."""
        if self._num_seen % self._step == 0:
            self._kept.append(item)
        self._last = [item]
        self._num_seen += 1
        if len(self._kept) > 4 * self._num_items:
            self._kept = self._kept[::2]
            self._step *= 2

    def items(self) -> list[T]:
        """The chosen items so far, in order."""
        if not self._num_seen:
            return []
        items = self._kept
        if (self._num_seen - 1) % self._step:
            items = items + self._last
        return _evenly_spaced(items, self._num_items)


def _evenly_spaced(items: Sequence[T], num_items: int) -> list[T]:
    num_items = min(num_items, len(items))
    places = np.linspace(0, len(items) - 1, num_items).round().astype(int).tolist()
    return [items[place] for place in places]


def write_strip(
    path: str | os.PathLike,
    frames: Sequence[np.ndarray],
    tracks: InstanceData,
    classes: Sequence[str],
    num_frames: int = 6,
    score_thr: float = 0.3,
    min_side: int = STRIP_MIN_SIDE,
) -> None:
    """Write the image of :func:`draw_strip` to a file."""
    picture = draw_strip(frames, tracks, classes, num_frames, score_thr, min_side)
    write_image(path, picture)


def write_image(path: str | os.PathLike, picture: np.ndarray) -> None:
    """Write an image atomically.

    Args:
        path (str | os.PathLike): The file; its folder is made.
        picture (np.ndarray): BGR, uint8, shape (H, W, 3).

    Raises:
        OSError: If OpenCV cannot write it.
    """
    with atomic_file(path) as partial:
        if not cv2.imwrite(str(partial), picture):
            raise OSError(f'{path} cannot be written')


def _number(picture: np.ndarray, frame_id: int) -> None:
    """Write the frame's number into the lower left corner."""
    place = (6, picture.shape[0] - 8)
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(
            picture,
            str(frame_id),
            place,
            cv2.FONT_HERSHEY_SIMPLEX,
            0.5,
            colour,
            thickness,
            cv2.LINE_AA,
        )
