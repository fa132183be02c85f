"""Base class of data sets that are made of others."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from torch.utils.data import Dataset

from mmvis.datasets.seeded_index import SeededIndex
from mmvis.datasets.video_dataset import VideoDataset
from mmvis.errors import UserValueError
from mmvis.registry import DATASETS

__all__ = ['BaseJoinedClips']


class BaseJoinedClips(Dataset):
    """Several data sets of the same classes as one.

    The classes, which a checkpoint keeps, are those of the first one.
    :class:`SeededIndex` keeps its seed.

    Args:
        datasets (Sequence[dict]): Configs of the data sets.

    Raises:
        ValueError: If there is none, or their classes differ.
    """

    def __init__(self, datasets: Sequence[dict]) -> None:
        if not datasets:
            raise UserValueError(
                f'{type(self).__name__} joins at least one data set, got none. Set '
                'train_dataloader.dataset.datasets.'
            )
        self.datasets: list[VideoDataset] = [DATASETS.build(cfg) for cfg in datasets]
        first = self.datasets[0].metainfo['classes']
        for i, dataset in enumerate(self.datasets):
            classes = dataset.metainfo['classes']
            if classes != first:
                raise UserValueError(
                    f'train_dataloader.dataset.datasets.{i} has the classes {classes}, '
                    f'but the first data set has {first}. Give both the same '
                    '`dataset_version`, the same `metainfo.classes`, or a `class_map` '
                    'to these classes.'
                )

    @property
    def metainfo(self) -> dict:
        """Classes and so on: those of the first data set."""
        return self.datasets[0].metainfo

    @abstractmethod
    def find(self, idx: int) -> tuple[VideoDataset, int]:
        """The data set that sample ``idx`` is of, and its index there."""

    def get_data_info(self, idx: int) -> dict:
        """Return a record of the data set that sample ``idx`` is of."""
        dataset, position = self.find(int(idx))
        return dataset.get_data_info(position)

    def get_cat_ids(self, idx: int) -> list[int]:
        """Return the labels of a record's instances, for ClassBalancedDataset."""
        dataset, position = self.find(int(idx))
        return dataset.get_cat_ids(position)

    def __getitem__(self, idx: int) -> dict:
        """Load a sample; a :class:`SeededIndex` fixes all that is random about it."""
        dataset, position = self.find(int(idx))
        if isinstance(idx, SeededIndex):
            position = SeededIndex(position, idx.seed)
        return dataset[position]
