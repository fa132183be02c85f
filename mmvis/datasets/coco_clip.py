"""Still images as videos of one frame, for pre-training."""

from collections.abc import Iterable
from typing import Any

from mmengine.fileio import join_path

from mmvis.datasets.base_clip_dataset import BaseClipDataset
from mmvis.datasets.categories import DATASET_CLASSES, match_categories
from mmvis.datasets.coco_classes import COCO_CLASS_MAPS
from mmvis.datasets.json_reader import read_json_object
from mmvis.datasets.segmentation import compact_segmentation
from mmvis.datasets.ytvis_reader import (
    check_bbox,
    check_categories,
    check_fields,
    read_crowd_flag,
)
from mmvis.errors import UserValueError
from mmvis.registry import DATASETS

__all__ = ['CocoClipDataset']


@DATASETS.register_module()
class CocoClipDataset(BaseClipDataset):
    """COCO's instance annotations, every image a video of one frame.

    With ``SampleAllFrames`` an image is a clip of T=1; followed by
    :class:`~mmvis.datasets.transforms.MakePseudoClip` a clip of any length.

    ``dataset_version`` names the benchmark whose classes are to be learned: COCO's
    are renamed by :data:`~mmvis.datasets.coco_classes.COCO_CLASS_MAPS`, others
    dropped, and labels number the benchmark's classes. None keeps COCO's classes.

    For arguments and records see
    :class:`~mmvis.datasets.base_clip_dataset.BaseClipDataset`.
    """

    def load_data_list(self) -> list[dict]:
        """Read the annotation file.

        Returns:
            list[dict]: One record per image, in the order of the file. With a
            ``dataset_version`` the metainfo's ``cat_ids`` are label + 1.

        Raises:
            FileNotFoundError: If the file is missing.
            ValueError: If anything in it is wrong.
        """
        content = read_json_object(
            self.ann_file, {'annotations': self._compact}, self.backend_args
        )
        check_fields(
            content,
            ('images', 'categories', 'annotations'),
            f'{self.ann_file}: the json',
        )
        check_categories(content, self.ann_file)
        self._match(content['categories'])
        images = self._check_images(content['images'])
        known = {category['id'] for category in content['categories']}
        instances: dict[int, list[dict]] = {}
        for index, annotation in enumerate(content['annotations'] or []):
            self._check_annotation(annotation, images, known, index)
            instance = self._instance(annotation)
            if instance is not None:
                instances.setdefault(annotation['image_id'], []).append(instance)
        return [
            self._record(image, instances.get(image_id, []))
            for image_id, image in images.items()
        ]

    def _match(self, categories: list[dict]) -> None:
        try:
            cat_ids, classes = match_categories(
                categories, self._metainfo.get('classes')
            )
        except ValueError as error:
            raise UserValueError(f'{self.ann_file}: {error}') from error
        if self.dataset_version is None:
            self._set_categories(cat_ids, classes)
            return
        names = DATASET_CLASSES[self.dataset_version]
        self._set_categories(list(range(1, len(names) + 1)), names)
        class_map = COCO_CLASS_MAPS[self.dataset_version]
        self.cat2label = {
            cat_id: names.index(class_map[name])
            for cat_id, name in zip(cat_ids, classes, strict=True)
            if name in class_map
        }

    def _compact(self, index: int, annotation: Any) -> dict:
        where = f'{self.ann_file}: annotations[{index}]'
        check_fields(
            annotation, ('id', 'image_id', 'category_id', 'segmentation'), where
        )
        check_bbox(annotation.get('bbox'), f'{where}.bbox')
        try:
            mask = compact_segmentation(annotation['segmentation'])
        except ValueError as error:
            raise UserValueError(
                f'{where}.segmentation (annotation id {annotation["id"]}) {error}.'
            ) from error
        return dict(
            id=annotation['id'],
            image_id=annotation['image_id'],
            category_id=annotation['category_id'],
            iscrowd=read_crowd_flag(annotation, where),
            segmentations=[mask],
            bboxes=[annotation.get('bbox')],
            areas=[annotation.get('area')],
        )

    def _check_images(self, images: list[dict]) -> dict[int, dict]:
        if not images:
            raise UserValueError(
                f'{self.ann_file}: "images" is empty, expected at least one image.'
            )
        for index, image in enumerate(images):
            where = f'{self.ann_file}: images[{index}]'
            check_fields(image, ('id', 'width', 'height', 'file_name'), where)
        return {image['id']: image for image in images}

    def _check_annotation(
        self, annotation: dict, images: dict, known: Iterable[int], index: int
    ) -> None:
        where = f'{self.ann_file}: annotations[{index}]'
        if annotation['image_id'] not in images:
            raise UserValueError(
                f'{where}.image_id is {annotation["image_id"]}, which no entry of '
                '"images" has.'
            )
        if annotation['category_id'] not in known:
            raise UserValueError(
                f'{where}.category_id is {annotation["category_id"]}, which no entry '
                f'of "categories" has; known ids are {sorted(known)}.'
            )

    def _record(self, image: dict, instances: list[dict]) -> dict:
        return dict(
            video_id=image['id'],
            video_len=1,
            height=image['height'],
            width=image['width'],
            img_paths=[join_path(self.data_prefix['img'], image['file_name'])],
            instances=instances,
        )
