"""Mixture of data sets in fixed shares."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate

from mmvis.datasets.joined_clips import BaseJoinedClips
from mmvis.datasets.video_dataset import VideoDataset
from mmvis.errors import UserValueError
from mmvis.registry import DATASETS

__all__ = ['MixedClipDataset']


@DATASETS.register_module()
class MixedClipDataset(BaseJoinedClips):
    """Mixture of several data sets, with so many samples of each in a round.

    A pass ends when each data set has been seen as a whole, and repeats samples of the
    others. VidEoMT (Norouzi et al., CVPR 2026) trains on such a mixture of videos and
    clips made of COCO's images, one to one.

    Args:
        datasets (Sequence[dict]): Configs of the data sets, of the same classes.
        ratios (Sequence[int] | None): Samples of each data set in a round: ``(3, 1)``
            takes three of the first for one of the second. Defaults to None, one of
            each.

    Raises:
        ValueError: If there is none, their classes differ, or ``ratios`` are not one
            positive integer for each.
    """

    def __init__(
        self, datasets: Sequence[dict], ratios: Sequence[int] | None = None
    ) -> None:
        super().__init__(datasets)
        ratios = [1] * len(self.datasets) if ratios is None else list(ratios)
        is_valid = len(ratios) == len(self.datasets) and all(
            isinstance(ratio, int) and ratio >= 1 for ratio in ratios
        )
        if not is_valid:
            raise UserValueError(
                f'`ratios` of MixedClipDataset must be {len(self.datasets)} positive '
                f'integers, one for each data set, got {ratios}.'
            )
        self.ratios = ratios
        self._ends = list(accumulate(ratios))

    def __len__(self) -> int:
        rounds = (-(-len(d) // ratio) for d, ratio in zip(self.datasets, self.ratios))
        return self._ends[-1] * max(rounds)

    def find(self, idx: int) -> tuple[VideoDataset, int]:
        """The data set that sample ``idx`` is of, and its index there."""
        round_, place = divmod(idx, self._ends[-1])
        member = bisect(self._ends, place)
        ratio = self.ratios[member]
        position = round_ * ratio + place - (self._ends[member] - ratio)
        dataset = self.datasets[member]
        return dataset, position % len(dataset)
