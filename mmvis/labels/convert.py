"""Conversion of labels from one format to another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from mmvis.labels.davis import read_davis, write_davis
from mmvis.labels.drawn_shapes import read_cvat, read_labelme
from mmvis.labels.json_labels import (
    read_coco,
    read_cocovid,
    read_ytvis,
    write_coco,
    write_cocovid,
    write_ytvis,
)
from mmvis.labels.label_set import order_categories
from mmvis.labels.mots import read_mots, write_mots
from mmvis.labels.yolo import read_yolo, write_yolo
from mmvis.structures.ytvis_json import parse_ytvis

__all__ = ['READERS', 'WRITERS', 'convert_labels']

#: Format -> function (path, folder of frames or None, class names) -> set of labels.
READERS = {
    'coco': read_coco,
    'cocovid': read_cocovid,
    'cvat': read_cvat,
    'davis': read_davis,
    'labelme': read_labelme,
    'mots': read_mots,
    'yolo': read_yolo,
    'ytvis': read_ytvis,
}

#: Format -> function (set of labels, path).
WRITERS = {
    'coco': write_coco,
    'cocovid': write_cocovid,
    'davis': write_davis,
    'mots': write_mots,
    'yolo': write_yolo,
    'ytvis': write_ytvis,
}


def convert_labels(
    src: Path,
    dst: Path,
    *,
    source_format: str,
    target_format: str,
    frames: Path | None = None,
    classes: Sequence[str] = (),
    split: str = 'train',
) -> dict:
    """Convert labels.

    Args:
        src (Path): File or folder of labels.
        dst (Path): What is written: a json, or a folder for images and texts.
        source_format (str): A key of :data:`READERS`.
        target_format (str): A key of :data:`WRITERS`.
        frames (Path | None): Folder with a folder of images for each video; then the
            frames are looked up in it. Defaults to None.
        classes (Sequence[str]): Names of the classes, in the order of their ids 1, 2,
            ...; needed where the labels have numbers alone. Defaults to those of the
            labels.
        split (str): Of 'yolo', which of its folders is read. Defaults to 'train'.

    Returns:
        dict: The labels as YouTube-VIS has them.

    Raises:
        OSError: If a file cannot be read or written.
        UserValueError: With all faults of the labels, or with what the target format
            cannot hold.
    """
    options = dict(split=split) if source_format == 'yolo' else {}
    labels = READERS[source_format](src, frames, list(classes), **options)
    if classes:
        order_categories(labels, classes, str(src))
    # Whatever the source was, what is written is right.
    parse_ytvis(msgspec.json.encode(labels), str(src), ('file_names',))
    WRITERS[target_format](labels, dst)
    return labels
