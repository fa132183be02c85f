"""Data sets one after the other."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate

from mmvis.datasets.joined_clips import BaseJoinedClips
from mmvis.datasets.video_dataset import VideoDataset
from mmvis.registry import DATASETS

__all__ = ['ConcatDataset']


@DATASETS.register_module()
class ConcatDataset(BaseJoinedClips):
    """Several data sets one after the other: a pass has each sample once.

    MMEngine's class of this name drops the seeds of samples, and refuses data sets
    whose annotation files differ.

    Args:
        datasets (Sequence[dict]): Configs of the data sets, of the same classes.

    Raises:
        ValueError: If there is none, or their classes differ.
    """

    def __init__(self, datasets: Sequence[dict]) -> None:
        super().__init__(datasets)
        self._ends = list(accumulate(map(len, self.datasets)))

    def __len__(self) -> int:
        return self._ends[-1]

    def find(self, idx: int) -> tuple[VideoDataset, int]:
        """The data set that sample ``idx`` is of, and its index there."""
        idx = range(len(self))[idx]
        member = bisect(self._ends, idx)
        return self.datasets[member], idx - ([0, *self._ends][member])
