"""Reader of labelformat for YOLO's polygons."""

from __future__ import annotations

from pathlib import Path

from labelformat.formats import YOLOv8InstanceSegmentationInput
from labelformat.model.image import Image
from labelformat.model.instance_segmentation import SingleInstanceSegmentation
from labelformat.model.multipolygon import MultiPolygon

from mmvis.labels.faults import Faults
from mmvis.labels.frame_files import natural_key

__all__ = ['YOLOReader']


class YOLOReader(YOLOv8InstanceSegmentationInput):
    """Reads labels without stopping where an image has no objects.

    Args:
        path (Path): ``data.yaml``.
        split (str): One of its splits.
        faults (Faults): Where images that cannot be read are noted.
    """

    def __init__(self, path: Path, split: str, faults: Faults) -> None:
        super().__init__(path, split)
        self.on_error = lambda file, _: faults.add(
            'image', f'{file} cannot be read, expected an image.'
        )

    def all_images(self) -> list[Image]:
        """All images, in natural order."""
        return sorted(super().get_images(), key=lambda x: natural_key(Path(x.filename)))

    def get_images(self) -> list[Image]:
        """Images with a file of labels."""
        return [x for x in self.all_images() if self.label_file(x).is_file()]

    def label_file(self, image: Image) -> Path:
        """Where the labels of an image are, if it has any."""
        return (self._labels_dir() / image.filename).with_suffix('.txt')

    @staticmethod
    def polygons_of(item: SingleInstanceSegmentation) -> list[list[float]]:
        """Polygons of an object, each x and y in turn, pixels."""
        assert isinstance(item.segmentation, MultiPolygon), 'YOLO has no masks'
        return [
            [x for xy in points for x in xy] for points in item.segmentation.polygons
        ]
