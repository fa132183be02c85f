"""Entries of annotation files: fields and checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from mmvis.structures.json_entries import RLE, Area, Box, Id, Side
from mmvis.structures.json_file import Place, PlaceError

__all__ = [
    'MAX_PIXELS',
    'Annotation',
    'Category',
    'Image',
    'ImageAnnotation',
    'Video',
    'check_video',
    'repeated_id',
]

MAX_PIXELS = 1 << 28  # of one frame


class Video(Struct):
    """A video of YouTube-VIS."""

    id: Id
    height: Side
    width: Side
    file_names: Annotated[list[str], Meta(min_length=1)] | UnsetType = UNSET
    length: Annotated[int, Meta(ge=1, le=2**31)] | UnsetType = UNSET


class Image(Struct):
    """An image of COCO."""

    id: Id
    height: Side
    width: Side
    file_name: str


class Category(Struct):
    """A category."""

    id: Id
    name: str


class Annotation(Struct):
    """A track of YouTube-VIS."""

    id: Id
    video_id: Id
    category_id: Id
    segmentations: list[RLE | list[list[float]] | None]
    iscrowd: Literal[0, 1] | bool | None = None
    bboxes: list[Box | None] | None = None
    areas: list[Area | None] | None = None


class ImageAnnotation(Struct):
    """An object in an image of COCO."""

    id: Id
    image_id: Id
    category_id: Id
    segmentation: RLE | list[list[float]] | None
    iscrowd: Literal[0, 1] | bool | None = None
    bbox: Box | None = None
    area: Area | None = None


def check_video(video: dict, place: Place, required: Sequence[str]) -> None:
    """Check a video's names and size, and add its length."""
    names = video.get('file_names')
    if names is None and ('file_names' in required or 'length' not in video):
        raise place.at('.file_names').error('missing, expected one name per frame.')
    for frame_id, name in enumerate(names or ()):
        if not name or '\0' in name or '://' in name:
            raise place.at(f'.file_names[{frame_id}]').error(
                f'expected the name of a file below the image folder, got {name!r:.60}.'
            )
    length = video.setdefault('length', len(names or ()))
    if names is not None and length != len(names):
        raise place.at('.length').error(
            f'{length} given, but file_names has {len(names)} entries.'
        )
    if video['height'] * video['width'] > MAX_PIXELS:
        raise place.at('.height').error(
            f'{video["height"]} x {video["width"]} pixels, expected at most '
            f'{MAX_PIXELS} in a frame.'
        )


def repeated_id(entry_id: int, place: Place) -> PlaceError:
    """The error of an entry whose id an earlier one has."""
    return place.at('.id').error(
        f'expected an id that no earlier entry has, got {entry_id}.'
    )
