"""Endless, reproducible and resumable training samples."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Literal

import torch
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from mmvis.datasets.annotated_frames import annotated_frames
from mmvis.datasets.seeded_index import SeededIndex
from mmvis.datasets.video_dataset import VideoDataset
from mmvis.errors import UserValueError
from mmvis.registry import DATA_SAMPLERS

__all__ = ['SeededInfiniteSampler']


@DATA_SAMPLERS.register_module()
class SeededInfiniteSampler(Sampler):
    """Shuffle the data set again and again; sample p is a function of seed and p.

    All ranks share one stream of samples; rank r of W takes the samples r, r + W,
    r + 2 W, ... So 8 ranks with one clip each and one rank with 8 clips train on the
    same batches, and a resumed training continues with the sample after the last
    one, at no cost.

    Indices are :class:`SeededIndex`: the data sets of mmvis seed the generators with
    them before they load a sample. Wrappers that compute other indices
    (``ClassBalancedDataset``, ``RepeatDataset``) keep the order but lose the seed.

    Args:
        dataset (VideoDataset): The data set.
        shuffle (bool): Whether every pass over the data set has its own order.
            Defaults to True.
        seed (int | None): Non-negative; the same on all ranks. Defaults to None:
            drawn, and shared among the ranks.
        once_per (str): What a pass holds a video once for. 'video': once in all.
            'frame': once for each of its frames, as the (video, frame) pairs of
            VisTR's code. 'annotated_frame': once for each frame in which any instance
            is seen. As :class:`~mmvis.datasets.transforms.SampleKeyFrameClip` draws
            the key frame uniformly among these, each of them is then a key frame
            equally often, as in TeViT's code. Defaults to 'video'.

    Raises:
        ValueError: If ``once_per`` is none of these, or a pass would be empty.
    """

    def __init__(
        self,
        dataset: VideoDataset,
        shuffle: bool = True,
        seed: int | None = None,
        once_per: Literal['video', 'frame', 'annotated_frame'] = 'video',
    ) -> None:
        self.dataset = dataset
        self.shuffle = shuffle
        self._samples = torch.arange(len(dataset)).repeat_interleave(
            torch.tensor(_count_repeats(dataset, once_per), dtype=torch.long)
        )
        if len(self._samples) == 0:
            raise UserValueError(
                f'The data set of {len(dataset)} videos has nothing for a pass with '
                f"once_per='{once_per}'. Check `train_dataloader.dataset.ann_file`."
            )
        self.seed = sync_random_seed() if seed is None else seed
        self.rank, self.world_size = get_dist_info()
        self._num_skipped = 0

    def skip(self, num_samples: int) -> None:
        """Start the next iteration after the first ``num_samples`` of this rank."""
        self._num_skipped = num_samples

    def __iter__(self) -> Iterator[SeededIndex]:
        first = self.rank + self._num_skipped * self.world_size
        num_samples = len(self._samples)
        epoch, order = -1, []
        for position in itertools.count(first, self.world_size):
            if position // num_samples != epoch:
                epoch = position // num_samples
                order = self._order(epoch)
            index = order[position % num_samples]
            yield SeededIndex(index, seed=(self.seed, position))

    def __len__(self) -> int:
        """Samples of this rank in one pass; the iteration itself has no end."""
        return -(-len(self._samples) // self.world_size)

    def _order(self, epoch: int) -> list[int]:
        if not self.shuffle:
            return self._samples.tolist()
        generator = torch.Generator().manual_seed(self.seed + epoch)
        order = torch.randperm(len(self._samples), generator=generator)
        return self._samples[order].tolist()


def _count_repeats(dataset: VideoDataset, once_per: str) -> list[int]:
    """How often each video comes in a pass."""
    if once_per == 'video':
        return [1] * len(dataset)
    records = (dataset.get_data_info(i) for i in range(len(dataset)))
    if once_per == 'frame':
        return [record['video_len'] for record in records]
    if once_per == 'annotated_frame':
        return [len(annotated_frames(record)) for record in records]
    raise UserValueError(
        "`train_dataloader.sampler.once_per` must be 'video', 'frame' or "
        f"'annotated_frame', got {once_per!r}."
    )
