"""Base class of sources of frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmvis.errors import UserValueError

__all__ = ['DEFAULT_FPS', 'Frame', 'FrameSource', 'check_fps']

DEFAULT_FPS = 6.0  # of frames without times: the rate of YouTube-VIS
_MIN_FPS, _MAX_FPS = 1e-6, 1000.0


class Frame(NamedTuple):
    """One frame of a source, which is loaded when it is needed.

    Attributes:
        load (Callable): Gives the image: BGR, uint8, shape (H, W, 3).
        time (float): Seconds since the first frame.
        label (str): What messages call it.
    """

    load: Callable[[], np.ndarray]
    time: float
    label: str


class FrameSource(ABC):
    """The frames of one video, in order.

    Memory: one frame, whatever the length; frames are loaded one by one.

    Attributes:
        name (str): Name of the video, for the names of outputs.
        num_frames (int | None): How many frames are expected; None if it is unknown.
        fps (float): Mean number of frames per second.
        paths (tuple[Path, ...]): The files that are read.
        can_restart (bool): Whether the frames can be read a second time.
        damage (str | None): What is wrong with the source, as far as it was read.
    """

    name: str = 'video'
    num_frames: int | None = None
    fps: float = DEFAULT_FPS
    paths: tuple[Path, ...] = ()
    can_restart: bool = True
    damage: str | None = None

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Iterate over the frames once, from the first one on."""


def check_fps(fps: float | None) -> float | None:
    """Check a given number of frames per second; None is allowed.

    Raises:
        ValueError: If it is not a number in [1e-6, 1000].
    """
    if fps is None:
        return None
    is_number = isinstance(fps, (int, float)) and not isinstance(fps, bool)
    if not is_number or not _MIN_FPS <= fps <= _MAX_FPS:  # NaN is not
        raise UserValueError(
            f'`fps` must be a number of frames per second in [{_MIN_FPS:g}, '
            f'{_MAX_FPS:g}], got {fps!r:.60}. Leave it out to keep the timing of the '
            'source.'
        )
    return float(fps)
