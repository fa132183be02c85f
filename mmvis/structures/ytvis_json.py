"""Format of YouTube-VIS, OVIS and COCO: reading, checking, compacting.

The only reader of annotations. Everything that it returns is valid: types, sizes, ids,
numbers of frames, finite numbers in range, and masks that fill their frame. Python's
objects take five to ten times the memory of the JSON text, so that annotations are
decoded, checked and compacted one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct

from mmvis.errors import UserValueError
from mmvis.structures.annotation_entries import (
    Annotation,
    Category,
    Image,
    ImageAnnotation,
    Video,
    check_video,
    repeated_id,
)
from mmvis.structures.json_entries import (
    RLE,
    MaskCheck,
    check_length,
    decode_entry,
    find_id,
    garbage_collection_paused,
)
from mmvis.structures.json_file import (
    Place,
    check_keys,
    decode,
    elements,
    first_byte,
    members,
    shorten,
)
from mmvis.structures.packed_file import SEE_FORMAT, read_content
from mmvis.structures.rle import compact_polygons, compress_runs
from mmvis.terminal import printable

__all__ = [
    'AnnotationReader',
    'ImageAnnotationReader',
    'parse_coco',
    'parse_ytvis',
    'read_coco_json',
    'read_members',
    'read_ytvis_json',
]

_CONVERT = 'mmvis data convert SRC DST --from {}'
_HEAD = 4096  # bytes that are searched for the keys of another format


_NULL = Raw(b'null')


def read_ytvis_json(
    path: str | Path,
    backend_args: dict | None = None,
    required: Sequence[str] = (),
    is_strict: bool = True,
) -> dict:
    """Read a json of YouTube-VIS 2019, 2021, 2022 or OVIS, see :func:`parse_ytvis`.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If anything in it is not as the format says.
    """
    content = read_content(path, backend_args)
    return parse_ytvis(content, str(path), required, is_strict)


def read_coco_json(path: str | Path, backend_args: dict | None = None) -> dict:
    """Read COCO's instance annotations, see :func:`parse_coco`.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If anything in it is not as the format says.
    """
    return parse_coco(read_content(path, backend_args), str(path))


def parse_ytvis(
    content: bytes, source: str, required: Sequence[str] = (), is_strict: bool = True
) -> dict:
    """Parse, check and compact annotations in the format of YouTube-VIS.

    Args:
        content (bytes): JSON text.
        source (str): Name of the file, for messages.
        required (Sequence[str]): Fields, optional in the format, that every video or
            annotation needs: 'file_names', 'iscrowd', 'areas'.
        is_strict (bool): Whether to refuse what the official evaluator accepts without
            an error: repeated annotation ids, unknown videos and categories, tracks
            of another length and masks of another size than their video. Then an
            annotation id 0 is also replaced, for it would not score. Defaults to
            True.

    Returns:
        dict: With the keys

        - videos (list[dict]): ``id``, ``height``, ``width``, ``length`` and, where
          the file has them, ``file_names``.
        - categories (list[dict]): ``id``, ``name``.
        - annotations (list[dict]): ``id``, ``video_id``, ``category_id``,
          ``iscrowd`` (0 or 1) and, one entry per frame, ``segmentations``
          (compressed RLE with ``counts`` as bytes, polygons as ``array('d')``, or
          None), ``bboxes`` and ``areas`` (a number, a box, or None). Empty where the
          file has none.

    Raises:
        ValueError: If anything in the file is not as the format says.
    """
    top = read_members(content, Place(source), ('videos', 'categories'))
    videos = _read_by_id(top['videos'], Video, Place(source, 'videos'))
    for index, video in enumerate(videos.values()):
        check_video(video, Place(source, f'videos[{index}]'), required)
    categories = _read_by_id(top['categories'], Category, Place(source, 'categories'))
    reader = AnnotationReader(videos, categories, required, is_strict)
    return dict(
        videos=list(videos.values()),
        categories=list(categories.values()),
        annotations=reader.read(
            top.get('annotations', _NULL), Place(source, 'annotations')
        ),
    )


def parse_coco(content: bytes, source: str) -> dict:
    """Parse, check and compact COCO's instance annotations.

    Args:
        content (bytes): JSON text.
        source (str): Name of the file, for messages.

    Returns:
        dict: That of :func:`parse_ytvis`, every image a video of one frame.

    Raises:
        ValueError: If anything in the file is not as the format says.
    """
    top = read_members(content, Place(source), ('images', 'categories', 'annotations'))
    images = _read_by_id(top['images'], Image, Place(source, 'images'))
    for index, image in enumerate(images.values()):
        image['file_names'] = [image.pop('file_name')]
        check_video(image, Place(source, f'images[{index}]'), ())
    categories = _read_by_id(top['categories'], Category, Place(source, 'categories'))
    reader = ImageAnnotationReader(images, categories)
    return dict(
        videos=list(images.values()),
        categories=list(categories.values()),
        annotations=reader.read(top['annotations'], Place(source, 'annotations')),
    )


class AnnotationReader:
    """Reads annotations one by one, which keeps the memory near the file's size."""

    decoder = msgspec.json.Decoder(Annotation)
    mask_path, box_path = '.segmentations[{}]', '.bboxes[{}]'
    video_key = 'video_id'

    def __init__(
        self,
        videos: dict[int, dict],
        categories: dict[int, dict],
        required: Sequence[str] = (),
        is_strict: bool = True,
    ) -> None:
        self.videos = videos
        self.categories = categories
        self.sizes = {k: [v['height'], v['width']] for k, v in videos.items()}
        self.required = [
            name for name in required if name in Annotation.__annotations__
        ]
        self.is_strict = is_strict
        self.check = MaskCheck()
        self.ids: set[int] = set()

    @garbage_collection_paused()
    def read(self, content: Raw, place: Place) -> list[dict]:
        """Read the list of all annotations, or null."""
        if content == _NULL:
            return []
        tracks = [
            self.read_entry(text, place.at(f'[{index}]'))
            for index, text in enumerate(elements(content, place))
        ]
        self.check.finish()
        return tracks

    def read_entry(self, text: Raw, place: Place) -> dict:
        """Read one annotation; ``check.finish()`` completes the check of its masks."""
        track = self.as_track(decode_entry(text, self.decoder, place))
        if self.is_strict and track.id in self.ids:
            raise repeated_id(track.id, place)
        fields = self._check(track, place)
        self.ids.add(track.id)
        return fields

    def as_track(self, annotation: Any) -> Annotation:
        """Bring a decoded entry into the form of a track."""
        return annotation

    def _check(self, track: Annotation, place: Place) -> dict:
        """Check and compact a track."""
        for name in self.required:
            if getattr(track, name) is None:
                raise place.at(f'.{name}').error('missing, but needed for scoring.')
        video = None
        if self.is_strict:
            video = find_id(track.video_id, self.videos, place, self.video_key)
            find_id(track.category_id, self.categories, place, 'category_id')
        size = video and self.sizes[track.video_id]
        fields = {}
        for name in ('segmentations', 'bboxes', 'areas'):
            values = getattr(track, name)
            if values is None:
                values = [None] * len(track.segmentations)
            elif video is not None:
                check_length(values, video, place, name)
            fields[name] = values
        for frame_id, box in enumerate(fields['bboxes']):
            if box is not None and min(box[2:]) < 0:
                raise place.at(self.box_path.format(frame_id)).error(
                    f'expected [x, y, width, height] without negative sides, got {box}.'
                )
        self.check.add(track.segmentations, size, place, self.mask_path)
        # The usual kind of mask, of which there are many, without a function call each.
        fields['segmentations'] = [
            dict(size=size or mask['size'], counts=mask['counts'].encode())
            if type(mask) is dict and type(mask['counts']) is str
            else (self._compact(mask, size, place, frame_id) if mask else None)
            for frame_id, mask in enumerate(track.segmentations)
        ]
        return dict(
            id=track.id,
            video_id=track.video_id,
            category_id=track.category_id,
            iscrowd=int(track.iscrowd or 0),
            **fields,
        )

    def _compact(
        self,
        mask: RLE | list[list[float]],
        size: list[int] | None,
        place: Place,
        frame_id: int,
    ) -> dict | list:
        """Check and compact one frame's mask."""
        path = self.mask_path
        try:
            if isinstance(mask, list):
                return compact_polygons(mask)
            size = size or mask['size']  # one list for all masks of a video
            if isinstance(mask['counts'], str):
                return dict(size=size, counts=mask['counts'].encode())
            path += '.counts'
            return dict(size=size, counts=compress_runs(mask['counts'], size))
        except UserValueError as error:
            raise place.at(path.format(frame_id)).error(str(error)) from error


class ImageAnnotationReader(AnnotationReader):
    """Reads COCO's annotations, each the track of a video of one frame."""

    decoder = msgspec.json.Decoder(ImageAnnotation)
    mask_path, box_path = '.segmentation', '.bbox'
    video_key = 'image_id'

    def as_track(self, annotation: ImageAnnotation) -> Annotation:
        """Bring an entry into the form of a track."""
        return Annotation(
            id=annotation.id,
            video_id=annotation.image_id,
            category_id=annotation.category_id,
            segmentations=[annotation.segmentation],
            iscrowd=annotation.iscrowd,
            bboxes=[annotation.bbox],
            areas=[annotation.area],
        )


def read_members(
    content: bytes, place: Place, required: Sequence[str]
) -> dict[str, Raw]:
    """Divide a file into its top-level members, which are named once and needed."""
    if first_byte(content) == b'[':
        raise place.error(
            f'expected an object with {", ".join(required)} and annotations, got a '
            'list. Is it a results file?'
        )
    top = members(content, place)
    other = _other_format(top, required)
    if other:
        raise place.error(
            f'this is {other}. Expected {", ".join(required)} and annotations. '
            f'{SEE_FORMAT}'
        )
    for name in required:
        if name not in top:
            raise place.at(name).error(
                f'missing; the file has the keys {shorten(list(top))}.'
            )
    for name, value in top.items():
        if name != 'annotations':
            check_keys(value, place.at(printable(name)))
    return top


def _other_format(top: dict[str, Raw], required: Sequence[str]) -> str:
    """Name the related format that a file's keys are those of, '' if none."""
    images, annotations = (
        bytes(memoryview(top.get(key, b''))[:_HEAD])
        for key in ('images', 'annotations')
    )
    if 'videos' not in required:
        is_ytvis = 'videos' in top and 'images' not in top
        return 'a json of YouTube-VIS: use YouTubeVISDataset' if is_ytvis else ''
    if 'imagePath' in top and 'shapes' in top:
        return f'a json of LabelMe, one image: {_CONVERT.format("labelme")}'
    if 'masks' in top and 'tracks' in top:
        return 'the record of one video, as mmvis writes it'
    if images.strip(b'[] \n') == b'':
        return ''
    if 'videos' in top:
        return (
            'a json of CocoVID, whose annotations are of single images: '
            f'{_CONVERT.format("cocovid")}'
        )
    if any(key in images + annotations for key in (b'"video_id"', b'"track_id"')):
        return (
            'a tracking json whose annotations are of single images: '
            f'{_CONVERT.format("cocovid")}'
        )
    return (
        'a json of COCO, single images: for pre-training use CocoClipDataset, for '
        f'videos of one frame {_CONVERT.format("coco")}'
    )


def _read_by_id(content: Raw, kind: type[Struct], place: Place) -> dict[int, dict]:
    """Read a list of small entries by their ids, which differ."""
    decoder = msgspec.json.Decoder(kind)
    entries: dict[int, dict] = {}
    for index, text in enumerate(elements(content, place)):
        entry = msgspec.structs.asdict(decode(text, decoder, place.at(f'[{index}]')))
        if entry['id'] in entries:
            raise repeated_id(entry['id'], place.at(f'[{index}]'))
        entries[entry['id']] = {k: v for k, v in entry.items() if v is not UNSET}
    if not entries:
        raise place.error('expected at least one entry, got none.')
    return entries
