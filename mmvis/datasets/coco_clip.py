"""COCO images as videos of one frame, for pre-training."""

from mmvis.datasets.base_clip_dataset import BaseClipDataset
from mmvis.datasets.categories import DATASET_CLASSES, match_categories
from mmvis.datasets.coco_classes import COCO_CLASS_MAPS
from mmvis.registry import DATASETS
from mmvis.structures.ytvis_json import read_coco_json

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
        content = read_coco_json(self.ann_file, self.backend_args)
        self._match(content['categories'])
        return self._records(content)

    def _match(self, categories: list[dict]) -> None:
        classes = self._metainfo.get('classes')
        if self.class_map is not None:
            self._merge_categories(categories, self.class_map, classes)
        elif self.dataset_version is not None:
            names = {category['name'] for category in categories}
            class_map = COCO_CLASS_MAPS[self.dataset_version]
            known = {name: class_map[name] for name in class_map if name in names}
            classes = DATASET_CLASSES[self.dataset_version]
            self._merge_categories(categories, known, classes)
        else:
            self._set_categories(
                *match_categories(categories, classes, source=self.ann_file)
            )
