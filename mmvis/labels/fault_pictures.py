"""Pictures of the frames with the most faults."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
from mmengine.structures import InstanceData
from pycocotools import mask as mask_utils

from mmvis.atomic_file import check_empty_folder
from mmvis.labels.faults import Fault, Faults
from mmvis.outputs import safe_name
from mmvis.sources.image_files import read_image
from mmvis.structures.annotation_entries import MAX_PIXELS
from mmvis.structures.json_entries import RLE
from mmvis.structures.packed_file import read_content
from mmvis.structures.rle import compress
from mmvis.structures.rle_runs import first_invalid_rle
from mmvis.visualization import draw_tracks, enlargement, write_image
from mmvis.visualization.text import render_text

__all__ = ['write_fault_pictures']

_ENTRY = re.compile(r'(annotations|videos|images)\[(\d+)\](?:\.\w+\[(\d+)\])?')
_RED = (40, 40, 220)
_GREY = 96
_MIN_SIDE = 360  # pixels of a picture
_MAX_LINES = 12  # faults below a picture
_LINE = 20  # pixels of a line of text
_UNKNOWN_SIZE = (_MIN_SIDE, 640)

# Index of the video or image in the file, and of the frame.
_Place = tuple[int, int]


def write_fault_pictures(
    path: Path,
    faults: Faults,
    out_dir: Path,
    *,
    frames: Path | None = None,
    max_pictures: int = 12,
) -> list[Path]:
    """Draw the frames with the most faults.

    Each picture has the frame, or grey where there is none, the masks of its
    annotations, each with the index that the faults name, the boxes that are given for
    those at fault, in red, and the faults as text. A mask of another size is stretched.

    Args:
        path (Path): The json that was checked, of YouTube-VIS or COCO.
        faults (Faults): Its faults.
        out_dir (Path): Folder for the pictures, which must be empty or new.
        frames (Path | None): Folder that the names of frames are relative to. Defaults
            to None: there are no frames.
        max_pictures (int): Frames that are drawn at most. Defaults to 12.

    Returns:
        list[Path]: The pictures, that with the most faults first. Faults that are of
        no frame, as of categories, have none.

    Raises:
        OSError: If a picture cannot be written.
        UserValueError: If there are files in ``out_dir``.
    """
    check_empty_folder(out_dir)
    labels = _Labels(msgspec.json.decode(read_content(path)), frames)
    by_place: dict[_Place, list[Fault]] = {}
    for fault in faults:
        place = labels.place_of(fault)
        if place is not None:
            by_place.setdefault(place, []).append(fault)
    worst = sorted(by_place.items(), key=lambda item: -len(item[1]))[:max_pictures]
    paths = []
    for rank, (place, of_place) in enumerate(worst, start=1):
        picture = labels.draw(place, of_place)
        name = safe_name(f'{rank:02d}_{labels.name_of(place)}')
        paths.append(out_dir / f'{name}.png')
        write_image(paths[-1], _add_text(picture, of_place))
    return paths


class _Labels:
    """What a file with faults holds: no entry need have the fields that it should."""

    def __init__(self, content: dict, frames: Path | None) -> None:
        self._frames = frames
        self._is_coco = 'videos' not in content
        self.videos = _entries(content, 'images' if self._is_coco else 'videos')
        self.annotations = _entries(content, 'annotations')
        categories = _entries(content, 'categories')
        self._names = {str(c.get('id')): str(c.get('name')) for c in categories}
        self._rows: dict[str, int] = {}
        for row, video in enumerate(self.videos):
            self._rows.setdefault(str(video.get('id')), row)

    def place_of(self, fault: Fault) -> _Place | None:
        """The frame that a fault is of; None if it is of none."""
        match = _ENTRY.match(fault.path)
        if match is None:
            return None
        index, frame_id = int(match[2]), match[3]
        if match[1] != 'annotations':
            return index, 0
        row = self._row_of(self.annotations[index])
        if row is None:
            return None
        if frame_id is not None:
            return row, int(frame_id)
        segmentations = self.annotations[index].get('segmentations')
        segmentations = segmentations if isinstance(segmentations, list) else []
        seen = [t for t, mask in enumerate(segmentations) if mask]
        return row, seen[0] if seen else 0

    def name_of(self, place: _Place) -> str:
        """Name of a frame, without its ending."""
        name = self._file_name(place) or f'{place[0]}/{place[1]}'
        return str(Path(name).with_suffix(''))

    def draw(self, place: _Place, faults: list[Fault]) -> np.ndarray:
        """The frame with its annotations, and the boxes of those at fault."""
        image = self._image(place)
        size = image.shape[:2]
        masks = {
            index: mask
            for index, item in enumerate(self.annotations)
            if self._row_of(item) == place[0]
            and (mask := _stretched(self._of_frame(item, 'segmentation', place), size))
        }
        names = [self._names.get(str(self.annotations[i].get('category_id')), '?')
                 for i in masks]  # fmt: skip
        record = InstanceData(
            labels=np.arange(len(masks)),
            instances_id=np.array(list(masks), dtype=int),
            masks=[[mask] for mask in masks.values()],
        )
        scale = enlargement(image, _MIN_SIDE)
        picture = draw_tracks(image, record, 0, names, scale=scale)
        for index in _annotations_of(faults):
            box = self._of_frame(self.annotations[index], 'bbox', place)
            _draw_box(picture, box, scale)
        return picture

    def _row_of(self, item: dict) -> int | None:
        key = 'image_id' if self._is_coco else 'video_id'
        return self._rows.get(str(item.get(key)))

    def _of_frame(self, item: dict, key: str, place: _Place) -> Any:
        """Mask or box of an annotation in a frame; None if there is none."""
        if self._is_coco:
            return item.get(key)
        values = item.get({'segmentation': 'segmentations', 'bbox': 'bboxes'}[key])
        return _at(values, place[1])

    def _file_name(self, place: _Place) -> str | None:
        video = self.videos[place[0]]
        names = [video.get('file_name')] if self._is_coco else video.get('file_names')
        name = _at(names, place[1])
        return name if isinstance(name, str) else None

    def _image(self, place: _Place) -> np.ndarray:
        name = self._file_name(place)
        if self._frames is not None and name:
            try:
                return read_image(self._frames / name)
            except (OSError, ValueError):
                pass  # that is a fault, and in the text
        video = self.videos[place[0]]
        height, width = video.get('height'), video.get('width')
        if type(height) is not int or type(width) is not int:
            height, width = _UNKNOWN_SIZE
        if min(height, width) < 1 or height * width > MAX_PIXELS:
            height, width = _UNKNOWN_SIZE
        return np.full((height, width, 3), _GREY, dtype=np.uint8)


def _at(values: Any, index: int) -> Any:
    """Item of a list; None if it is no list, or too short."""
    return values[index] if isinstance(values, list) and index < len(values) else None


def _entries(content: dict, key: str) -> list[dict]:
    """Entries at their places; what is no object is an empty one."""
    entries = content.get(key)
    entries = entries if isinstance(entries, list) else []
    return [entry if isinstance(entry, dict) else {} for entry in entries]


def _annotations_of(faults: list[Fault]) -> Iterator[int]:
    matches = (_ENTRY.match(fault.path) for fault in faults)
    yield from {int(m[2]): None for m in matches if m and m[1] == 'annotations'}


def _stretched(mask: Any, size: tuple[int, int]) -> dict | None:
    """RLE of a mask that is right by itself, at a size; None if it is not right."""
    try:
        mask = msgspec.convert(mask, RLE | list[list[float]])
        if not mask:
            return None
        rle = compress(mask, *size)
        height, width = rle['size']
        if not 0 < height * width <= MAX_PIXELS:
            return None
        if first_invalid_rle([rle['counts']], np.array([height * width])):
            return None
    except (ValueError, KeyError, TypeError, IndexError, msgspec.MsgspecError):
        return None
    if (height, width) == size:
        return rle
    stretched = cv2.resize(
        mask_utils.decode(rle), size[::-1], interpolation=cv2.INTER_NEAREST
    )
    return mask_utils.encode(np.asfortranarray(stretched))


def _draw_box(picture: np.ndarray, box: Any, scale: int) -> None:
    """Draw a box that is given as xywh, whatever it is."""
    try:
        x, y, w, h = (float(number) * scale for number in box)
    except (TypeError, ValueError):
        return
    corners = np.nan_to_num([[x, y], [x + w, y + h]])
    # OpenCV takes numbers of 16 bits here.
    first, last = corners.clip(-9999, 9999).round().astype(int).tolist()
    cv2.rectangle(picture, first, last, _RED, 2)


def _add_text(picture: np.ndarray, faults: list[Fault]) -> np.ndarray:
    """Put the faults below a picture."""
    texts = [f'{fault.path}: {fault.problem}' for fault in faults[:_MAX_LINES]]
    if len(faults) > _MAX_LINES:
        texts.append(f'and {len(faults) - _MAX_LINES} more')
    height, width = picture.shape[:2]
    lines = [line for text in texts for line in textwrap.wrap(text, width // 7)]
    panel = np.full((height + _LINE * len(lines) + 8, width, 3), 255, dtype=np.uint8)
    panel[:height] = picture
    for number, line in enumerate(lines):
        ink = render_text(line, _LINE - 4)[:, : width - 8]
        top = height + 6 + number * _LINE
        rows = panel[top : top + len(ink), 4 : 4 + ink.shape[1]]
        rows[:] = np.round(rows * (1 - ink[:, :, None])).astype(np.uint8)
    return panel
