"""Sizes of ShapesVIS sets."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from mmvis.errors import UserValueError

#: Changes whenever the same arguments give other bytes.
GENERATOR_VERSION = 3


@dataclass(frozen=True)
class ShapesVISSpec:
    """All that determines the bytes of a ShapesVIS set.

    Args:
        num_train (int): Training videos.
        num_valid (int): Validation videos.
        num_train_frames (int): Frames of each training video.
        num_valid_frames (int): Frames of each validation video.
        height (int): Height of the frames in pixels, at least 32.
        width (int): Width of the frames in pixels, at least 32.
        seed (int): Seed of the set, not negative.

    Raises:
        ValueError: If a number is out of its range.
    """

    num_train: int
    num_valid: int
    num_train_frames: int
    num_valid_frames: int
    height: int
    width: int
    seed: int = 0

    def __post_init__(self) -> None:
        least = dict(height=32, width=32, num_train=0, num_valid=0, seed=0)
        for name, value in asdict(self).items():
            if value < least.get(name, 1):
                raise UserValueError(
                    f'ShapesVIS needs {name} of at least {least.get(name, 1)}, '
                    f'got {value}'
                )

    def split_sizes(self) -> dict[str, tuple[int, int]]:
        """Number of videos and frames per video of each split, in order."""
        return dict(
            train=(self.num_train, self.num_train_frames),
            valid=(self.num_valid, self.num_valid_frames),
        )

    def stamp(self) -> dict[str, Any]:
        """What is written beside a finished set to recognise it."""
        return dict(generator='ShapesVIS', version=GENERATOR_VERSION, **asdict(self))


#: The named sizes: 'mini' for tests, 'small' for the quickstart.
SIZES = dict(
    mini=ShapesVISSpec(
        num_train=8,
        num_valid=4,
        num_train_frames=6,
        num_valid_frames=9,
        height=64,
        width=96,
    ),
    small=ShapesVISSpec(
        num_train=2000,
        num_valid=60,
        num_train_frames=5,
        num_valid_frames=16,
        height=72,
        width=120,
    ),
)
