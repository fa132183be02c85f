"""Base class of data sets of videos and of still images."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.fileio import join_path

from mmvis.datasets.annotated_frames import annotated_frames
from mmvis.datasets.categories import DATASET_CLASSES
from mmvis.datasets.class_map import ClassMap
from mmvis.datasets.seeded_index import SeededIndex, seed_everything
from mmvis.errors import UserValueError

__all__ = ['BaseClipDataset']


class BaseClipDataset(BaseDataset):
    """A data set whose items are whole videos, from which clips are sampled.

    A record, the input of the pipeline, holds

    - video_id (int), video_len (int), height (int), width (int): As in the json.
    - img_paths (list[str]): The video's frames in time order.
    - instances (list[dict]): ``instance_id`` (annotation id), ``bbox_label``
      (label), ``ignore_flag`` (1 for crowds), and one entry per frame of
      ``segmentations`` (compressed RLE, polygons or None), ``bboxes`` ([x, y, w,
      h] in pixels or None) and ``areas`` (pixels or None).
    - frame_inds (list[int]): Only where the data set is indexed with
      ``dataset[(video_idx, frame_inds)]``: exactly these frames are wanted.

    Records are kept serialised (MMEngine), so that loader workers share their
    memory, and masks stay encoded until their frame is sampled.

    Args:
        ann_file (str): The annotation file, relative to ``data_root``.
        data_prefix (dict | None): ``img`` is the folder that the file names are
            relative to. Defaults to None, the data root itself.
        dataset_version (str | None): Version of the benchmark, which fixes the
            class list: '2019', '2021', '2022' or 'ovis'. Defaults to None: classes
            come from ``metainfo`` or from the file.
        metainfo (dict | None): ``classes`` picks and orders the classes by name.
            Defaults to None.
        class_map (dict[str, str] | None): Class of each category, where several are
            merged into one, see :class:`~mmvis.datasets.class_map.ClassMap`. Others are
            dropped; ``metainfo`` orders the classes. Defaults to None: each category
            is a class.
        filter_cfg (dict | None): ``filter_empty_gt`` (bool) drops records without
            an instance, in training only. Defaults to None, which is True.
        keep_crowd (bool): Whether crowd annotations stay, with ``ignore_flag`` 1.
            Defaults to False, as in VisTR and IFC.
        backend_args (dict | None): Arguments of mmengine's file backend for the
            annotation file. Defaults to None.
        **kwargs: Of :class:`mmengine.dataset.BaseDataset`.

    Raises:
        FileNotFoundError: If the annotation file is missing.
        ValueError: If an option or the annotation file is wrong.
    """

    METAINFO: dict = dict()

    def __init__(
        self,
        ann_file: str,
        data_prefix: dict | None = None,
        dataset_version: str | None = None,
        metainfo: dict | None = None,
        class_map: dict[str, str] | None = None,
        filter_cfg: dict | None = None,
        keep_crowd: bool = False,
        backend_args: dict | None = None,
        **kwargs: Any,
    ) -> None:
        if dataset_version is not None and dataset_version not in DATASET_CLASSES:
            raise UserValueError(
                f'`dataset_version` must be one of {list(DATASET_CLASSES)} or None, '
                f'got {dataset_version!r}.'
            )
        if dataset_version is not None and metainfo and 'classes' in metainfo:
            raise UserValueError(
                f"dataset_version='{dataset_version}' fixes the class list. Set it to "
                'None to choose classes with `metainfo`.'
            )
        if class_map is not None and not class_map:
            raise UserValueError(
                "`class_map` is empty. Write {'category': 'class', ...}, or None to "
                'keep the categories.'
            )
        if dataset_version is not None and class_map is not None:
            raise UserValueError(
                f"dataset_version='{dataset_version}' fixes the class list. Set it to "
                'None to merge categories with `class_map`.'
            )
        unknown = set(filter_cfg or ()) - {'filter_empty_gt'}
        if unknown:
            raise UserValueError(
                f'`filter_cfg` knows only "filter_empty_gt", got {sorted(unknown)}.'
            )
        self.dataset_version = dataset_version
        self.keep_crowd = keep_crowd
        self.backend_args = backend_args
        self.cat_ids: list[int] = []
        self.cat2label: dict[int, int] = {}
        self.class_map = class_map
        self._joined: ClassMap | None = None
        super().__init__(
            ann_file=ann_file,
            metainfo=metainfo,
            data_prefix=data_prefix or dict(img=''),
            filter_cfg=filter_cfg,
            **kwargs,
        )

    def _set_categories(self, cat_ids: list[int], classes: tuple[str, ...]) -> None:
        """Fix the classes and the category id of each label.

        The evaluator gets them, and the annotation file, with the metainfo.
        """
        self.cat_ids = cat_ids
        self.cat2label = {cat_id: label for label, cat_id in enumerate(cat_ids)}
        self._metainfo.update(
            classes=classes,
            cat_ids=list(cat_ids),
            dataset_version=self.dataset_version,
            class_map=self.class_map,
            ann_file=self.ann_file,
        )

    def _merge_categories(
        self,
        categories: Sequence[dict],
        class_map: Mapping[str, str],
        classes: Sequence[str] | None,
    ) -> None:
        """Fix the classes to those of a table; category ids number them from 1."""
        names = {category['id']: category['name'] for category in categories}
        self._joined = ClassMap(class_map, names, classes, self.ann_file)
        classes = self._joined.classes
        self._set_categories(list(range(1, len(classes) + 1)), classes)
        self.cat2label = self._joined.cat2label

    def filter_data(self) -> list[dict]:
        """Drop the records without a mask.

        Raises:
            ValueError: If none is left.
        """
        filter_empty_gt = (self.filter_cfg or {}).get('filter_empty_gt', True)
        if self.test_mode or not filter_empty_gt:
            return self.data_list
        kept = [record for record in self.data_list if annotated_frames(record)]
        if not kept:
            raise UserValueError(
                f'{self.ann_file}: "annotations" has no mask of the classes '
                f'{list(self._metainfo["classes"])}, so there is nothing to train on. '
                'The official valid and test files have no annotations; set '
                '`test_mode=True` to predict on them.'
            )
        return kept

    def _get_unserialized_subset(self, indices: int | Sequence[int]) -> list[dict]:
        """Take the samples of ``indices``, or their first ones if it is a number."""
        num = len(self.data_list)
        if not isinstance(indices, int) and not all(-num <= i < num for i in indices):
            raise UserValueError(
                f'`indices` of the data set must be in [0, {num}), as {self.ann_file} '
                f'has {num} samples, got {list(indices)}.'
            )
        return super()._get_unserialized_subset(indices)

    def __getitem__(self, idx: int | tuple[int, list[int]]) -> dict:
        """Load a sample; a :class:`SeededIndex` fixes all that is random about it."""
        if isinstance(idx, SeededIndex):
            seed_everything(idx.seed)
        return super().__getitem__(idx)

    def get_data_info(self, idx: int | tuple[int, list[int]]) -> dict:
        """Return a record.

        Args:
            idx (int | tuple[int, list[int]]): Index of the video, or the index and
                the frames that are wanted of it.

        Returns:
            dict: The record, see the class.

        Raises:
            IndexError: If the video has no such frame.
        """
        if not isinstance(idx, tuple):
            return super().get_data_info(idx)
        video_idx, frame_inds = idx
        record = super().get_data_info(video_idx)
        video_len = record['video_len']
        if not frame_inds or min(frame_inds) < 0 or max(frame_inds) >= video_len:
            raise IndexError(
                f'Video {record["video_id"]} of {self.ann_file} has frames 0 to '
                f'{video_len - 1}, asked for {frame_inds}.'
            )
        record['frame_inds'] = list(frame_inds)
        return record

    def get_cat_ids(self, idx: int) -> list[int]:
        """Return the labels of a record's instances, for ClassBalancedDataset."""
        return [item['bbox_label'] for item in self.get_data_info(idx)['instances']]

    def _records(self, content: dict) -> list[dict]:
        """Turn a checked annotation file into records, in the order of its videos."""
        annotations: dict[int, list[dict]] = {}
        for annotation in content['annotations']:
            if self.keep_crowd or not annotation['iscrowd']:
                annotations.setdefault(annotation['video_id'], []).append(annotation)
        folder = self.data_prefix['img']
        return [
            dict(
                video_id=video['id'],
                video_len=video['length'],
                height=video['height'],
                width=video['width'],
                img_paths=[join_path(folder, name) for name in video['file_names']],
                instances=self._instances(annotations.get(video['id'], []), video),
            )
            for video in content['videos']
        ]

    def _instances(self, annotations: list[dict], video: dict) -> list[dict]:
        labelled: Iterable[tuple[dict, int | None]]
        if self._joined is None:
            labels = [self.cat2label.get(a['category_id']) for a in annotations]
            labelled = [
                pair for pair in zip(annotations, labels) if pair[1] is not None
            ]
        else:
            labelled = self._joined.join(annotations, (video['height'], video['width']))
        return [
            dict(
                instance_id=annotation['id'],
                bbox_label=label,
                ignore_flag=annotation['iscrowd'],
                segmentations=annotation['segmentations'],
                bboxes=annotation['bboxes'],
                areas=annotation['areas'],
            )
            for annotation, label in labelled
        ]
