"""Platform-independent random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar('T')


class RandomStream:
    """A random source whose values are equal on every machine and numpy version.

    It reads the raw 64-bit words of PCG64, which NumPy guarantees to be stable
    (NEP 19), and turns them into numbers with exact operations only: the methods
    of ``numpy.random.Generator`` may change between releases, and its normal
    deviates go through the C library's logarithm.

    Args:
        *key (int): What the stream belongs to, such as seed, split and video index.
            Different keys of one length give independent streams; zeros at the end
            do not tell keys of different lengths apart.
    """

    def __init__(self, *key: int) -> None:
        self._words = np.random.PCG64(np.random.SeedSequence(key))

    def random(self) -> float:
        """Draw from [0, 1), a multiple of 2**-53."""
        return (self._words.random_raw() >> 11) * 2.0**-53

    def uniform(self, low: float, high: float) -> float:
        """Draw from [low, high)."""
        return low + (high - low) * self.random()

    def integer(self, low: int, high: int) -> int:
        """Draw an integer from low to high, both included."""
        return low + int(self.random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """Draw True with the given probability."""
        return self.random() < probability

    def choice(self, options: Sequence[T]) -> T:
        """Draw one of the options, all equally likely."""
        return options[self.integer(0, len(options) - 1)]

    def octets(self, *shape: int) -> np.ndarray:
        """Draw an array of bytes.

        Args:
            *shape (int): Shape of the array.

        Returns:
            np.ndarray: Values 0 to 255, uint8, of the given shape.
        """
        size = int(np.prod(shape))
        words = self._words.random_raw(-(-size // 8)).astype('<u8')
        return words.view(np.uint8)[:size].reshape(shape)
