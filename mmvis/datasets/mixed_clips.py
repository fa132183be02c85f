"""Mixture of data sets in equal shares."""

from __future__ import annotations

from collections.abc import Sequence

from torch.utils.data import Dataset

from mmvis.datasets.seeded_index import SeededIndex
from mmvis.errors import UserValueError
from mmvis.registry import DATASETS

__all__ = ['MixedClipDataset']


@DATASETS.register_module()
class MixedClipDataset(Dataset):
    """Mixture of several data sets, with equally many samples of each.

    A pass has each sample of the largest data set once, and repeats those of the
    smaller ones. VidEoMT (Norouzi et al., CVPR 2026) trains on such a mixture of videos
    and clips made of COCO's images. :class:`SeededIndex` keeps its seed.

    Args:
        datasets (Sequence[dict]): Configs of the data sets, of the same classes.

    Raises:
        ValueError: If there is none, or their classes differ.
    """

    def __init__(self, datasets: Sequence[dict]) -> None:
        if not datasets:
            raise UserValueError(
                'MixedClipDataset mixes at least one data set, got none. Set '
                'train_dataloader.dataset.datasets.'
            )
        self.datasets = [DATASETS.build(cfg) for cfg in datasets]
        first = self.datasets[0].metainfo['classes']
        for i, dataset in enumerate(self.datasets):
            classes = dataset.metainfo['classes']
            if classes != first:
                raise UserValueError(
                    f'train_dataloader.dataset.datasets.{i} has the classes {classes}, '
                    f'but the first data set has {first}. Give both the same '
                    '`dataset_version`.'
                )

    @property
    def metainfo(self) -> dict:
        """Classes and so on: those of the first data set."""
        return self.datasets[0].metainfo

    def __len__(self) -> int:
        return len(self.datasets) * max(map(len, self.datasets))

    def get_data_info(self, idx: int) -> dict:
        """Return a record of the data set that sample ``idx`` is of."""
        dataset, position = self._find(idx)
        return dataset.get_data_info(position)

    def __getitem__(self, idx: int) -> dict:
        """Load a sample; a :class:`SeededIndex` fixes all that is random about it."""
        dataset, position = self._find(idx)
        if isinstance(idx, SeededIndex):
            position = SeededIndex(position, idx.seed)
        return dataset[position]

    def _find(self, idx: int) -> tuple[Dataset, int]:
        position, member = divmod(int(idx), len(self.datasets))
        dataset = self.datasets[member]
        return dataset, position % len(dataset)
