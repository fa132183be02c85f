"""Labels of YOLO for instance segmentation, by the package labelformat."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from pycocotools import mask as mask_utils

from mmvis.errors import UserValueError
from mmvis.file_kind import check_is_file
from mmvis.labels.faults import Faults
from mmvis.labels.frame_files import natural_key
from mmvis.labels.id_masks import make_video
from mmvis.labels.label_set import add_annotation
from mmvis.structures.rle import compress, rle_as_text
from mmvis.terminal import print_warning

if TYPE_CHECKING:
    from labelformat.model.instance_segmentation import InstanceSegmentationInput

    from mmvis.labels.yolo_reader import YOLOReader

__all__ = ['SPLITS', 'read_yolo', 'write_yolo']

#: Keys of data.yaml that name a folder of images.
SPLITS = ('train', 'val', 'test')

# Outlines are traced this many times finer than pixels: a mask and that of its polygon
# then have an IoU of 0.998 on the objects of COCO.
_FINER = 4


def read_yolo(
    path: Path, frames: Path | None, classes: list[str], split: str = 'train'
) -> dict:
    """Read polygons of YOLO, as Ultralytics and Roboflow write them.

    Each image is a video of one frame, since objects have no identity. The images are
    those that ``data.yaml`` names; one without a text file has no objects.

    Args:
        path (Path): ``data.yaml``, or its folder.
        frames (Path | None): Not used: ``data.yaml`` names the images.
        classes (list[str]): Not used: ``data.yaml`` names the classes.
        split (str): One of :data:`SPLITS`. Defaults to 'train'.

    Raises:
        UserValueError: If labelformat is not installed, or with all faults.
    """
    path = path / 'data.yaml' if path.is_dir() else path
    faults = Faults(str(path))
    try:
        reader = _open(path, split, faults)
        names = [str(category.name) for category in reader.get_categories()]
        images = sorted(
            reader.all_images(), key=lambda x: natural_key(Path(x.filename))
        )
    except (OSError, UserValueError):
        raise
    except Exception as error:  # labelformat has no class for its errors
        raise UserValueError(
            f'{path}, split {split!r}: expected a data.yaml of YOLO with folders of '
            f'images below images/, and `names` from 0 on: {error!r}.'
        ) from error
    if not images:
        faults.add('images', f'there are none of the split {split!r}, expected some.')
    for image in images:
        _check_lines(reader.label_file(image), len(names), faults)
    faults.raise_if_any()
    labels: dict = dict(
        videos=[
            make_video(video_id, image.height, image.width, [image.filename])
            for video_id, image in enumerate(images, start=1)
        ],
        categories=[dict(id=i, name=name) for i, name in enumerate(names, start=1)],
        annotations=[],
    )
    video_ids = {image.filename: i for i, image in enumerate(images, start=1)}
    for content in reader.get_labels():
        image = content.image
        for item in content.objects:
            polygons = reader.polygons_of(item)
            mask = rle_as_text(compress(polygons, image.height, image.width))
            video_id = video_ids[image.filename]
            add_annotation(labels, video_id, item.category.id + 1, [mask])
    return labels


def _import_labelformat() -> ModuleType:
    try:
        from labelformat import formats
    except ImportError as error:
        raise UserValueError(
            f'Labels of YOLO need the package labelformat ({error}). Install it: '
            "pip install 'mmvis[labels]' or pip install labelformat."
        ) from error
    return formats


def _open(path: Path, split: str, faults: Faults) -> YOLOReader:
    _import_labelformat()
    from mmvis.labels.yolo_reader import YOLOReader

    return YOLOReader(path, split, faults)


def _check_lines(file: Path, num_classes: int, faults: Faults) -> None:
    """Note what labelformat takes for something else, or stops at.

    It drops the last of an odd number of coordinates, and reads a box as a polygon of
    two points.
    """
    if not file.is_file():
        return
    check_is_file(file)
    for number, line in enumerate(file.read_text('utf-8', 'replace').splitlines(), 1):
        field, problem = _line_problem(line.split(), num_classes)
        if problem:
            faults.add(f'line[{number}].{field}', f'{file}: {line:.60}: {problem}')


def _line_problem(words: list[str], num_classes: int) -> tuple[str, str]:
    """What is wrong with a line, and its field; '' if nothing is."""
    if not words:
        return 'numbers', 'is empty. Remove the line.'
    try:
        class_id, numbers = int(words[0]), [float(word) for word in words[1:]]
    except ValueError:
        return 'numbers', 'expected the number of a class, then x y of each point.'
    if not 0 <= class_id < num_classes:
        return 'class', f'class {class_id}, expected one of 0 to {num_classes - 1}.'
    if len(numbers) == 4:
        return 'box', 'is a box and has no mask. Export polygons.'
    if len(numbers) < 6 or len(numbers) % 2:
        return (
            'points',
            f'{len(numbers)} coordinates, expected x y of 3 or more.',
        )
    if not all(0 <= number <= 1 for number in numbers):
        return 'range', 'expected coordinates from 0 to 1, as shares of the image.'
    return '', ''


def write_yolo(labels: dict, path: Path) -> None:
    """Write ``data.yaml``, and ``labels/FRAME.txt`` with a polygon for each object.

    The images belong in ``images/``. Parts of an object are joined by lines without
    width; tracks are lost.

    Raises:
        UserValueError: If labelformat is not installed.
    """
    formats = _import_labelformat()
    _warn_of_losses(labels, path)
    path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path, prefix='.labels') as folder:
        writer = formats.YOLOv8InstanceSegmentationOutput(
            Path(folder, 'data.yaml'), 'train'
        )
        writer.save(_as_input(labels))
        for file in Path(folder).rglob('*.*'):
            target = path / file.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)


def _as_input(labels: dict) -> InstanceSegmentationInput:
    """The frames of a set as labelformat takes them."""
    from labelformat.model.category import Category
    from labelformat.model.image import Image
    from labelformat.model.instance_segmentation import (
        ImageInstanceSegmentation,
        InstanceSegmentationInput,
        SingleInstanceSegmentation,
    )
    from labelformat.model.multipolygon import MultiPolygon

    categories = {
        category['id']: Category(number, category['name'])
        for number, category in enumerate(labels['categories'])
    }

    class Input(InstanceSegmentationInput):
        @staticmethod
        def add_cli_arguments(parser: Any) -> None:
            """There is no command line."""

        def get_categories(self) -> list[Category]:
            return list(categories.values())

        def get_images(self) -> Iterator[Image]:
            return (content.image for content in self.get_labels())

        def get_labels(self) -> Iterator[ImageInstanceSegmentation]:
            for video, t in _frames(labels):
                name, size = video['file_names'][t], (video['width'], video['height'])
                objects = [
                    SingleInstanceSegmentation(
                        categories[item['category_id']],
                        MultiPolygon(_outlines(item['segmentations'][t])),
                    )
                    for item in _objects(labels, video, t)
                ]
                yield ImageInstanceSegmentation(Image(0, name, *size), objects)

    return Input()


def _frames(labels: dict) -> Iterator[tuple[dict, int]]:
    """Each video and frame index."""
    for video in labels['videos']:
        yield from product([video], range(video['length']))


def _objects(labels: dict, video: dict, t: int) -> list[dict]:
    """Annotations of the single objects that are seen in a frame."""
    return [
        item
        for item in labels['annotations']
        if item['video_id'] == video['id']
        and item['segmentations'][t] is not None
        and not item['iscrowd']
    ]


def _outlines(rle: dict) -> list[list[tuple[float, float]]]:
    """Polygons around the parts of a mask, in pixels; holes are left out."""
    x, y, width, height = map(int, mask_utils.toBbox(rle))
    mask = mask_utils.decode(rle)[y : y + height, x : x + width]
    finer = np.kron(mask, np.ones((_FINER, _FINER), dtype=np.uint8))
    contours, _ = cv2.findContours(finer, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    corner = np.array([x, y])
    return [
        list(map(tuple, ((contour[:, 0] + 0.5) / _FINER + corner).tolist()))
        for contour in contours
    ]


def _warn_of_losses(labels: dict, path: Path) -> None:
    """Say what polygons of YOLO cannot hold."""
    num_crowds = sum(bool(item['iscrowd']) for item in labels['annotations'])
    num_holes = sum(
        any(map(_has_hole, filter(None, item['segmentations'])))
        for item in labels['annotations']
        if not item['iscrowd']
    )
    for number, what in (
        (num_crowds, 'groups of objects (iscrowd) are left out'),
        (num_holes, 'objects have masks with holes, which are filled'),
    ):
        if number:
            print_warning(f'{path}: {number} {what}: YOLO does not hold them.')


def _has_hole(rle: dict) -> bool:
    mask = mask_utils.decode(rle)
    _, places = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return places is not None and bool((places[0, :, 3] >= 0).any())
