"""Sample indices with the seed of their augmentation."""

from __future__ import annotations

import random

import numpy as np
import torch

__all__ = ['SeededIndex', 'seed_everything']


class SeededIndex(int):
    """Index of a sample, and the seed of all that is random about it.

    With the seed in the index, what a loader worker draws does not depend on the
    samples that it has loaded before, nor on how many workers there are.

    Args:
        index (int): Index in the data set.
        seed (tuple[int, ...]): Non-negative integers.
    """

    seed: tuple[int, ...]

    def __new__(cls, index: int, seed: tuple[int, ...]) -> SeededIndex:
        """Make an int that carries a seed."""
        self = super().__new__(cls, index)
        self.seed = seed
        return self

    def __reduce__(self) -> tuple:
        return SeededIndex, (int(self), self.seed)


def seed_everything(seed: tuple[int, ...]) -> None:
    """Seed the global generators of Python, NumPy and PyTorch (all devices).

    Args:
        seed (tuple[int, ...]): Non-negative integers, mixed by NumPy's
            ``SeedSequence``, so that similar seeds give independent numbers.
    """
    states = np.random.SeedSequence(seed).generate_state(3)
    random.seed(int(states[0]))
    # MMCV's and MMDetection's transforms draw from the global generator.
    np.random.seed(int(states[1]))  # noqa: NPY002
    torch.manual_seed(int(states[2]))
