"""Check and cleaning of annotations: all faults at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct
from pycocotools import mask as mask_utils

from mmvis.atomic_file import atomic_file
from mmvis.labels.faults import Faults
from mmvis.labels.frame_files import FrameFiles
from mmvis.structures.annotation_entries import (
    Category,
    Image,
    Video,
    check_video,
    repeated_id,
)
from mmvis.structures.json_entries import MaskCheck
from mmvis.structures.json_file import Place, PlaceError, decode, elements
from mmvis.structures.packed_file import read_content
from mmvis.structures.rle import compress
from mmvis.structures.ytvis_json import (
    AnnotationReader,
    ImageAnnotationReader,
    read_members,
)

__all__ = ['CheckedLabels', 'check_labels']

_PER_FRAME = re.compile(r'\.(segmentations|bboxes|areas)\[(\d+)\]')
_OPTIONAL = ('.bboxes', '.areas', '.iscrowd', '.bbox', '.area')
_NULL = Raw(b'null')
# Kind of a file -> key and type of what is labelled, and how labels are read.
_KINDS: dict[str, tuple[str, type[Struct], type[AnnotationReader]]] = {
    'ytvis': ('videos', Video, AnnotationReader),
    'coco': ('images', Image, ImageAnnotationReader),
}


@dataclass(frozen=True)
class CheckedLabels:
    """Result of a check.

    Attributes:
        faults (Faults): All faults.
        content (dict): The annotations without what is at fault, other fields kept.
        counts (dict[str, int]): Entries of the file by their kind.
    """

    faults: Faults
    content: dict
    counts: dict[str, int]

    def write(self, path: Path) -> None:
        """Write the annotations without what is at fault."""
        with atomic_file(path) as partial:
            partial.write_bytes(msgspec.json.encode(self.content))


def check_labels(
    path: Path, kind: str = 'ytvis', frames: Path | None = None
) -> CheckedLabels:
    """Find every fault of a file of annotations.

    Of an annotation with faults, what is at fault is taken away until the rest holds:
    a mask, a box, in the end the annotation itself. So each of its faults is found.

    Args:
        path (Path): The json.
        kind (str): 'ytvis' or 'coco'. Defaults to 'ytvis'.
        frames (Path | None): Folder that the names of frames are relative to; None
            leaves the frames unchecked. Defaults to None.

    Returns:
        CheckedLabels: The faults, and the cleaned annotations.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is not JSON, or not of that kind at all.
    """
    videos_key, video_type, reader_type = _KINDS[kind]
    place = Place(str(path))
    top = read_members(read_content(path), place, (videos_key, 'categories'))
    faults = Faults(str(path))
    checker = _EntryChecker(faults, FrameFiles(frames, faults))
    videos = checker.read(top[videos_key], video_type, place.at(videos_key))
    categories = checker.read(top['categories'], Category, place.at('categories'))
    reader = reader_type(
        {video_id: fields for video_id, (fields, _) in videos.items()},
        {category_id: fields for category_id, (fields, _) in categories.items()},
    )
    given = top.get('annotations', _NULL)
    texts = [] if given == _NULL else elements(given, place.at('annotations'))
    cleaner = _Cleaner(reader, faults, checker.left_out)
    annotations = cleaner.clean(texts, place.at('annotations'))
    content: dict[str, Any] = {
        **top,
        videos_key: [text for _, text in videos.values()],
        'categories': [text for _, text in categories.values()],
        'annotations': annotations,
    }
    keys = (videos_key, 'categories')
    counts = {key: len(elements(top[key], place)) for key in keys}
    return CheckedLabels(faults, content, counts | dict(annotations=len(texts)))


class _EntryChecker:
    """Checks videos, images and categories; those with faults are left out.

    Args:
        faults (Faults): Where faults are added.
        frames (FrameFiles): Where frames are looked up.

    Attributes:
        left_out (dict[int, str]): Place of each entry with faults whose id is known.
    """

    def __init__(self, faults: Faults, frames: FrameFiles) -> None:
        self.faults = faults
        self.frames = frames
        self.left_out: dict[int, str] = {}

    def read(
        self, content: Raw, kind: type[Struct], place: Place
    ) -> dict[int, tuple[dict, Raw]]:
        """Fields and text of the right entries, by id."""
        decoder = msgspec.json.Decoder(kind)
        found: dict[int, tuple[dict, Raw]] = {}
        for index, text in enumerate(elements(content, place)):
            entry = place.at(f'[{index}]')
            try:
                fields = msgspec.structs.asdict(decode(text, decoder, entry))
                fields = {k: v for k, v in fields.items() if v is not UNSET}
                if fields['id'] in found:
                    raise repeated_id(fields['id'], entry)
                if kind is not Category:
                    if 'file_name' in fields:
                        fields['file_names'] = [fields.pop('file_name')]
                    check_video(fields, entry, ())
            except PlaceError as error:
                self.faults.add_error(error, 'the entry and its annotations removed')
                continue
            if self._has_its_frames(fields, entry.path):
                found[fields['id']] = (fields, text)
            else:
                self.left_out[fields['id']] = entry.path
        return found

    def _has_its_frames(self, fields: dict, path: str) -> bool:
        num_before = len(self.faults)
        for name in fields.get('file_names', ()):
            self.frames.check_size(name, fields['height'], fields['width'])
        fix = 'the entry and its annotations removed'
        for index in range(num_before, len(self.faults)):
            fault = self.faults[index]
            self.faults[index] = type(fault)(f'{path}.file_names', fault.problem, fix)
        return len(self.faults) == num_before


class _Cleaner:
    """Takes away what is at fault, one annotation after the other."""

    def __init__(
        self, reader: AnnotationReader, faults: Faults, left_out: dict[int, str]
    ) -> None:
        self.reader = reader
        self.faults = faults
        self.left_out = left_out
        self.next_id = 1

    def clean(self, texts: Sequence[Raw], place: Place) -> list[Any]:
        """Annotations without faults: their text, or fields if they were changed."""
        ids = [_id_of(text) for text in texts]
        # New ids must not be those of later annotations.
        self.next_id = max([i for i in ids if isinstance(i, int)], default=0) + 1
        cleaned = [
            self._clean_one(text, place.at(f'[{index}]'))
            for index, text in enumerate(texts)
        ]
        return [entry for entry in cleaned if entry is not None]

    def _clean_one(self, text: Raw, place: Place) -> Any:
        entry: Any = text
        while True:
            content = Raw(
                entry if isinstance(entry, Raw) else msgspec.json.encode(entry)
            )
            ids_before = self.reader.ids & {_id_of(content)}
            try:
                row = self.reader.read_entry(content, place)
                self.reader.check.finish()
                self._check_masks(row, place)
                return entry if isinstance(entry, Raw) else _with_numbers(entry, row)
            except PlaceError as error:
                self.reader.check = MaskCheck()
                self.reader.ids -= {_id_of(content)} - ids_before
                if isinstance(entry, Raw):
                    entry = msgspec.json.decode(entry)
                error = self._explain(error, entry)
                fix, entry = self._repair(entry, error, place)
                self.faults.add_error(error, fix)
                if entry is None:
                    return None

    def _explain(self, error: PlaceError, entry: Any) -> PlaceError:
        """Name the fault of a video where its annotations follow from it."""
        key = error.place.path.rpartition('.')[2]
        video_id = entry.get(key) if isinstance(entry, dict) else None
        if key not in ('video_id', 'image_id') or not isinstance(video_id, int):
            return error
        at_fault = self.left_out.get(video_id)
        if at_fault is None:
            return error
        return error.place.error(f'{video_id} is {at_fault}, which is at fault itself.')

    def _check_masks(self, row: dict, place: Place) -> None:
        """Look at the masks themselves; only what the format allows gets here."""
        video = self.reader.videos[row['video_id']]
        is_seen = False
        for t, mask in enumerate(row['segmentations']):
            if mask is None:
                continue
            path = self.reader.mask_path.format(t)
            area = int(mask_utils.area(compress(mask, video['height'], video['width'])))
            if not area:
                raise place.at(path).error(
                    'the mask is empty, expected null or pixels.'
                )
            is_seen = True
            given = row['areas'][t]
            # The area of a polygon is not that of its pixels.
            if given is not None and not isinstance(mask, list) and given != area:
                path = '.area' if path == '.segmentation' else f'.areas[{t}]'
                raise place.at(path).error(f'{given:g} given, the mask has {area}.')
        if not is_seen:
            raise place.at('.segmentations').error(
                'there is no mask in any frame, expected one.'
            )

    def _repair(self, entry: Any, error: PlaceError, place: Place) -> tuple[str, Any]:
        """The fix of a fault, and the annotation after it, None if removed."""
        path = error.place.path.removeprefix(place.path)
        removed = 'the annotation removed', None
        if not isinstance(entry, dict):
            return removed
        per_frame = _PER_FRAME.match(path)
        if per_frame:
            frame_id = int(per_frame[2])
            keys = [per_frame[1]]
            if keys == ['segmentations']:
                keys += ['bboxes', 'areas']
            for key in keys:
                if isinstance(entry.get(key), list) and frame_id < len(entry[key]):
                    entry[key][frame_id] = None
            what = 'set to null' if keys[0] == 'segmentations' else 'computed again'
            return f'{keys[0]}[{frame_id}] {what}', entry
        if path in _OPTIONAL:
            del entry[path[1:]]
            return f'{path[1:]} removed', entry
        if path == '.id' and 'expected an id that no earlier' in error.problem:
            entry['id'] = self.next_id
            self.next_id += 1
            return f'given the id {entry["id"]}', entry
        return removed


class _WithId(msgspec.Struct):
    id: Any = None


_ID_DECODER = msgspec.json.Decoder(_WithId)


def _id_of(text: Raw) -> Any:
    """The id that an annotation states; None if it has none of any use."""
    try:
        entry_id = _ID_DECODER.decode(text).id
    except msgspec.MsgspecError:
        return None
    return entry_id if isinstance(entry_id, int) else None


def _area(mask: dict | list, video: dict) -> int:
    return int(mask_utils.area(compress(mask, video['height'], video['width'])))


def _with_numbers(entry: dict, row: dict) -> dict:
    """An annotation with the boxes and areas that its repair took away."""
    for t, mask in enumerate(row['segmentations']):
        if not isinstance(mask, dict):
            continue
        for key, number in (
            ('bboxes', lambda rle: mask_utils.toBbox(rle).tolist()),
            ('areas', lambda rle: int(mask_utils.area(rle))),
        ):
            if isinstance(entry.get(key), list) and entry[key][t] is None:
                entry[key][t] = number(mask)
    return entry
