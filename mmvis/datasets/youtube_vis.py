"""YouTube-VIS 2019, 2021 and 2022, OVIS, and whatever has their format."""

from mmengine.fileio import join_path

from mmvis.datasets.base_clip_dataset import BaseClipDataset
from mmvis.datasets.categories import match_categories
from mmvis.datasets.ytvis_reader import read_ytvis_json
from mmvis.errors import UserValueError
from mmvis.registry import DATASETS

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
        content = read_ytvis_json(self.ann_file, self.backend_args)
        if not content['annotations'] and not self.test_mode:
            raise UserValueError(
                f'{self.ann_file}: "annotations" is missing or empty, so there is '
                'nothing to train on. The official valid and test files have none; '
                'set `test_mode=True` to predict on them.'
            )
        try:
            matched = match_categories(
                content['categories'],
                self._metainfo.get('classes'),
                self.dataset_version,
            )
        except ValueError as error:
            raise UserValueError(f'{self.ann_file}: {error}') from error
        self._set_categories(*matched)
        instances: dict[int, list[dict]] = {}
        for annotation in content['annotations']:
            instance = self._instance(annotation)
            if instance is not None:
                instances.setdefault(annotation['video_id'], []).append(instance)
        return [
            self._record(video, instances.get(video['id'], []))
            for video in content['videos']
        ]

    def _record(self, video: dict, instances: list[dict]) -> dict:
        folder = self.data_prefix['img']
        return dict(
            video_id=video['id'],
            video_len=len(video['file_names']),
            height=video['height'],
            width=video['width'],
            img_paths=[join_path(folder, name) for name in video['file_names']],
            instances=instances,
        )
