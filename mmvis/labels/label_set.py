"""Labels as a set in the format of YouTube-VIS, between two formats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
from pycocotools import mask as mask_utils

from mmvis.errors import UserValueError
from mmvis.structures.rle import compress, rle_as_text

__all__ = [
    'add_annotation',
    'encode_mask',
    'find_categories',
    'normalize',
    'order_categories',
    'video_names',
]


def encode_mask(mask: np.ndarray) -> dict:
    """Compressed RLE of a mask of 0 and 1, shape (H, W); ``counts`` as text."""
    return rle_as_text(mask_utils.encode(np.asfortranarray(mask, dtype=np.uint8)))


def add_annotation(
    labels: dict,
    video_id: int,
    category_id: int,
    masks: Sequence[dict | None],
    *,
    iscrowd: int = 0,
    annotation_id: int | None = None,
) -> None:
    """Add a track to a set, with its boxes and areas.

    Args:
        labels (dict): ``videos``, ``categories`` and ``annotations``.
        video_id (int): Id of its video.
        category_id (int): Id of its category.
        masks (Sequence[dict | None]): Compressed RLE of each frame; None where the
            object is not seen.
        iscrowd (int): 1 for a group of objects. Defaults to 0.
        annotation_id (int, optional): Its id. Defaults to the next one.
    """
    masks = [mask if mask and mask_utils.area(mask) else None for mask in masks]
    labels['annotations'].append(
        dict(
            id=len(labels['annotations']) + 1
            if annotation_id is None
            else annotation_id,
            video_id=video_id,
            category_id=category_id,
            iscrowd=iscrowd,
            segmentations=masks,
            bboxes=[mask and mask_utils.toBbox(mask).tolist() for mask in masks],
            areas=[mask and int(mask_utils.area(mask)) for mask in masks],
        )
    )


def normalize(parsed: dict) -> dict:
    """Make a set of checked annotations, whatever kind of masks they have.

    Args:
        parsed (dict): What :func:`mmvis.structures.ytvis_json.parse_ytvis` gives.

    Returns:
        dict: ``videos``, ``categories``, ``annotations``; masks are compressed RLE.
    """
    labels = dict(
        videos=parsed['videos'], categories=parsed['categories'], annotations=[]
    )
    videos = {video['id']: video for video in labels['videos']}
    for item in parsed['annotations']:
        video = videos[item['video_id']]
        size = video['height'], video['width']
        masks = [
            mask and rle_as_text(compress(mask, *size))
            for mask in item['segmentations']
        ]
        add_annotation(
            labels,
            item['video_id'],
            item['category_id'],
            masks,
            iscrowd=item['iscrowd'],
            annotation_id=item['id'],
        )
    return labels


def find_categories(names: Sequence[str]) -> dict[str, int]:
    """Category ids 1, 2, ... of names, in their order, each once."""
    return {name: number for number, name in enumerate(dict.fromkeys(names), start=1)}


def order_categories(labels: dict, names: Sequence[str], source: str) -> None:
    """Make names the categories 1, 2, ... of a set, whether they have objects or not.

    Args:
        labels (dict): The set, which is changed.
        names (Sequence[str]): Names of the categories in their order.
        source (str): What the set was read from, for the message.

    Raises:
        UserValueError: If objects are of another category.
    """
    cat_ids = find_categories(names)
    old_names = {category['id']: category['name'] for category in labels['categories']}
    used = {old_names[item['category_id']] for item in labels['annotations']}
    unknown = sorted(used - cat_ids.keys())
    if unknown:
        raise UserValueError(
            f'{source} has objects of {", ".join(unknown)}, which `--classes` lacks: '
            f'{", ".join(cat_ids)}. Name all classes, in their order, or none.'
        )
    for item in labels['annotations']:
        item['category_id'] = cat_ids[old_names[item['category_id']]]
    labels['categories'] = [
        dict(id=cat_id, name=name) for name, cat_id in cat_ids.items()
    ]


def video_names(labels: dict) -> dict[int, str]:
    """Name of each video, by id: the folder of its frames, if that tells it apart."""
    folders = {
        video['id']: str(PurePosixPath(video['file_names'][0]).parent)
        for video in labels['videos']
    }
    names = list(folders.values())
    return {
        video['id']: folders[video['id']]
        if names.count(folders[video['id']]) == 1 and folders[video['id']] != '.'
        else str(PurePosixPath(video['file_names'][0]).with_suffix(''))
        for video in labels['videos']
    }
