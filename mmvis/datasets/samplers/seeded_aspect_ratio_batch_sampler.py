"""Resumable batches of equally oriented clips."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from mmdet.datasets import AspectRatioBatchSampler

from mmvis.datasets.seeded_index import SeededIndex
from mmvis.registry import DATA_SAMPLERS

__all__ = ['SeededAspectRatioBatchSampler']


@DATA_SAMPLERS.register_module()
class SeededAspectRatioBatchSampler(AspectRatioBatchSampler):
    """MMDetection's batches of landscape or portrait clips, for a resumed training.

    Every iteration starts with empty groups, so that batch i follows from the order
    of the samples alone. For arguments see
    :class:`mmdet.datasets.AspectRatioBatchSampler`; the sampler should be
    :class:`~mmvis.datasets.samplers.SeededInfiniteSampler`.
    """

    _num_skipped = 0

    def skip(self, num_batches: int) -> None:
        """Start the next iteration after the first ``num_batches``.

        Their samples' records are read for their sizes; no image is loaded.
        """
        self._num_skipped = num_batches

    def __iter__(self) -> Iterator[list[SeededIndex]]:
        self._aspect_ratio_buckets: list[list[SeededIndex]] = [[], []]
        return itertools.islice(super().__iter__(), self._num_skipped, None)
