"""Data sets in the format of YouTube-VIS: 2019, 2021, 2022, OVIS, own data."""

from mmvis.datasets.base_clip_dataset import BaseClipDataset
from mmvis.datasets.categories import match_categories
from mmvis.errors import UserValueError
from mmvis.registry import DATASETS
from mmvis.structures.ytvis_json import read_ytvis_json

__all__ = ['YouTubeVISDataset']


@DATASETS.register_module()
class YouTubeVISDataset(BaseClipDataset):
    """Videos in the official json of YouTube-VIS and OVIS, as downloaded.

    Labels number the categories in the order of their ids; ``cat_ids`` (label ->
    category id) and ``cat2label`` translate. A file without annotations, as the
    official validation and test sets are, needs ``test_mode=True``.

    For arguments and records see
    :class:`~mmvis.datasets.base_clip_dataset.BaseClipDataset`.
    """

    def load_data_list(self) -> list[dict]:
        """Read the annotation file.

        Returns:
            list[dict]: One record per video, in the order of the file.

        Raises:
            FileNotFoundError: If the file is missing.
            ValueError: If anything in it is wrong, or its categories are not those
                of ``dataset_version`` or ``metainfo``.
        """
        content = read_ytvis_json(self.ann_file, self.backend_args, ['file_names'])
        if not content['annotations'] and not self.test_mode:
            raise UserValueError(
                f'{self.ann_file}: "annotations" is missing or empty, so there is '
                'nothing to train on. The official valid and test files have none; '
                'set `test_mode=True` to predict on them.'
            )
        if self.class_map is not None:
            self._merge_categories(
                content['categories'], self.class_map, self._metainfo.get('classes')
            )
            return self._records(content)
        matched = match_categories(
            content['categories'],
            self._metainfo.get('classes'),
            self.dataset_version,
            self.ann_file,
        )
        self._set_categories(*matched)
        return self._records(content)
