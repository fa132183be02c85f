"""Labels of CVAT and LabelMe."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import numpy as np
from PIL import Image
from pycocotools import mask as mask_utils

from mmvis.errors import UserValueError
from mmvis.file_kind import check_is_file
from mmvis.labels.faults import Faults
from mmvis.labels.frame_files import FrameFiles, natural_key
from mmvis.labels.label_set import add_annotation, encode_mask, find_categories
from mmvis.structures.annotation_entries import MAX_PIXELS
from mmvis.structures.json_file import parse_json
from mmvis.structures.packed_file import read_content
from mmvis.structures.rle import compress, rle_as_text

__all__ = ['read_cvat', 'read_labelme']


@dataclass
class _DrawnVideo:
    """A video while its shapes are read.

    Attributes:
        name (str): Its name.
        size (tuple[int, int]): Height and width in pixels.
        file_names (list[str]): Its frames.
        tracks (dict): Key of an object -> its label, and its masks by frame.
    """

    name: str
    size: tuple[int, int]
    file_names: list[str]
    tracks: dict[tuple, tuple[str, dict[int, list]]] = field(default_factory=dict)

    def add(self, key: tuple, label: str, t: int, mask: dict) -> None:
        """Add a shape; several of one object and frame are joined."""
        masks = self.tracks.setdefault(key, (label, {}))[1]
        masks.setdefault(t, []).append(mask)


def read_cvat(path: Path, frames: Path | None, classes: list[str]) -> dict:
    """Read an XML of CVAT 1.1, for video or for images: polygons and masks.

    An object is a track; among images, the shapes of a frame's folder that share a
    ``group_id``, else a shape by itself. A track is seen in the frames that it has a
    shape in and is not outside.

    Raises:
        UserValueError: With all faults.
    """
    faults = Faults(str(path))
    try:
        check_is_file(path)
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise UserValueError(f'{path} is not XML: {error}') from error
    files = FrameFiles(frames, faults)
    if root.findall('track'):
        source = root.find('meta/task/source')
        name = path if source is None or not source.text else Path(source.text)
        video = _cvat_video(root, name.stem, files)
        videos = [] if video is None else [video]
    else:
        videos = _cvat_images(root, faults)
    if not videos:
        faults.raise_if_any()
        raise UserValueError(
            f'{path}: there is no <track> and no <image> in it. Export the task from '
            'CVAT as "CVAT for video 1.1" or "CVAT for images 1.1".'
        )
    return _as_labels(videos, faults)


def _cvat_video(
    root: ElementTree.Element, name: str, files: FrameFiles
) -> _DrawnVideo | None:
    """The video of an export for video."""
    size = _size(
        _number(root.findtext('.//original_size/height')),
        _number(root.findtext('.//original_size/width')),
    )
    length = _number(root.findtext('.//size'))
    if size is None or length is None:
        files.faults.add('meta', 'expected size and original_size, as CVAT writes.')
        return None
    file_names = files.list(name) or [f'{name}/{t:06d}.jpg' for t in range(length)]
    if files.root is not None and len(file_names) != length:
        files.faults.add('frames', f'{len(file_names)} in {name}, expected {length}.')
    video = _DrawnVideo(name, size, file_names)
    for index, track in enumerate(root.findall('track')):
        for shape in track:
            if shape.get('outside') == '1':
                continue
            place = f'track[{index}].{shape.tag}'
            mask = _cvat_mask(shape, video.size, place, files.faults)
            t = _number(shape.get('frame'))
            if t is None or t >= len(file_names):
                files.faults.add(place, f'frame {shape.get("frame")} of {length}.')
            elif mask is not None:
                video.add((index,), track.get('label', ''), t, mask)
    return video


def _cvat_images(root: ElementTree.Element, faults: Faults) -> list[_DrawnVideo]:
    """Videos of an export for images: one for each folder."""
    videos: dict[str, _DrawnVideo] = {}
    for index, image in enumerate(root.findall('image')):
        name = image.get('name', '')
        size = _size(_number(image.get('height')), _number(image.get('width')))
        if not name or size is None:
            faults.add(f'image[{index}]', 'expected name, width and height.')
            continue
        folder = PurePosixPath(name).parent.as_posix()
        video = videos.setdefault(folder, _DrawnVideo(folder, size, []))
        if video.size != size:
            faults.add(f'image[{index}]', f'{size} pixels, expected {video.size}.')
            continue
        t = len(video.file_names)
        video.file_names.append(name)
        for number, shape in enumerate(image):
            if shape.tag == 'tag':
                continue
            place = f'image[{index}].{shape.tag}'
            mask = _cvat_mask(shape, size, place, faults)
            group = shape.get('group_id', '0')
            key: tuple = ('shape', index, number)
            if group != '0':
                key = ('group', group, shape.get('label'))
            if mask is not None:
                video.add(key, shape.get('label', ''), t, mask)
    return list(videos.values())


def _number(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r'\s*[0-9]{1,9}\s*', text) else None


def _size(height: int | None, width: int | None) -> tuple[int, int] | None:
    """Height and width; None if no image may have them: a mask of it is made."""
    if not height or not width or min(height, width) < 1:
        return None
    return (height, width) if height * width <= MAX_PIXELS else None


def _cvat_mask(
    shape: ElementTree.Element, size: tuple[int, int], place: str, faults: Faults
) -> dict | None:
    """Compressed RLE of a shape; None, and a fault, if it has none."""
    try:
        if shape.tag == 'polygon':
            points = shape.get('points', '').replace(';', ',').split(',')
            return _polygon([float(number) for number in points], size)
        if shape.tag == 'mask':
            return _cvat_runs(shape, size)
    except (ValueError, TypeError, KeyError) as error:
        faults.add(place, str(error))
        return None
    faults.add(place, 'has no mask. Draw polygons or masks.')
    return None


def _cvat_runs(shape: ElementTree.Element, size: tuple[int, int]) -> dict:
    """Mask of CVAT: runs of 0 and 1 in turn, along the rows of a box."""
    left, top, width, height = (
        int(shape.attrib[key]) for key in ('left', 'top', 'width', 'height')
    )
    runs = [int(run) for run in shape.attrib['rle'].split(',')]
    inside = (
        left >= 0 and top >= 0 and left + width <= size[1] and top + height <= size[0]
    )
    if min(runs) < 0 or sum(runs) != width * height or not inside:
        raise ValueError(
            f'the runs have {sum(runs)} pixels, expected {width} * {height} within '
            f'{size[1]} x {size[0]}.'
        )
    values = np.arange(len(runs)) % 2
    mask = np.zeros(size, dtype=np.uint8)
    mask[top : top + height, left : left + width] = np.repeat(values, runs).reshape(
        height, width
    )
    return encode_mask(mask)


def _polygon(numbers: list[float], size: tuple[int, int]) -> dict:
    return rle_as_text(compress([numbers], *size))


def read_labelme(path: Path, frames: Path | None, classes: list[str]) -> dict:
    """Read LabelMe: a json for each frame, in a folder for each video.

    Shapes of one label and one ``group_id`` are one object through the video; a shape
    without is an object of its own in one frame.

    Raises:
        UserValueError: With all faults.
    """
    if not path.is_dir():
        raise UserValueError(f'{path}: expected a folder, one that exists.')
    faults = Faults(str(path))
    files = FrameFiles(frames, faults)
    videos: dict[str, _DrawnVideo] = {}
    for file in sorted(path.rglob('*.json'), key=natural_key):
        folder = file.parent.relative_to(path).as_posix()
        name = path.name if folder == '.' else folder
        try:
            content = parse_json(read_content(file), str(file))
            height, width = int(content['imageHeight']), int(content['imageWidth'])
            shapes = list(content['shapes'])
            size = _size(height, width)
            if size is None:
                raise ValueError(f'{height} x {width} pixels')
        except (ValueError, KeyError, TypeError) as error:
            kind = 'it lacks ' if isinstance(error, KeyError) else ''
            reason = f'{kind}{error}'.removeprefix(f'{file}: ')
            faults.add('json', f'{file} is not a LabelMe json: {reason}')
            continue
        video = videos.setdefault(name, _DrawnVideo(name, size, []))
        if video.size != size:
            faults.add('size', f'{file}: {size}, the first frame has {video.size}.')
            continue
        t = len(video.file_names)
        if frames is None:
            suffix = PurePosixPath(str(content.get('imagePath') or '.jpg')).suffix
            video.file_names.append(f'{name}/{file.stem}{suffix or ".jpg"}')
        else:
            video.file_names.append(files.find(name, file.stem))
        for number, shape in enumerate(shapes):
            _add_labelme_shape(video, shape, (t, number), f'{file}', faults)
    if not videos:
        faults.raise_if_any()
        raise UserValueError(
            f'{path}: the folder has no LabelMe json. Give the folder that LabelMe '
            'saved to.'
        )
    return _as_labels(videos.values(), faults)


def _add_labelme_shape(
    video: _DrawnVideo, shape: dict, place: tuple[int, int], file: str, faults: Faults
) -> None:
    t, number = place
    try:
        mask = _labelme_mask(shape, video.size)
        label, group = str(shape['label']), shape.get('group_id')
    except (
        *(ValueError, KeyError, TypeError, AttributeError),
        *(OSError, SyntaxError, Image.DecompressionBombError),
    ) as error:
        faults.add('shapes[]', f'{file}: shape {number}: {error}.')
        return
    key = ('shape', t, number) if group is None else ('group', group, label)
    video.add(key, label, t, mask)


def _labelme_mask(shape: dict, size: tuple[int, int]) -> dict:
    """Compressed RLE of a shape."""
    kind = shape.get('shape_type') or 'polygon'
    points = [(float(x), float(y)) for x, y in shape['points']]
    if kind == 'mask':
        return _labelme_pixels(points, shape['mask'], size)
    if kind == 'rectangle':
        (x1, y1), (x2, y2) = points
        points = [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
    elif kind != 'polygon':
        raise ValueError(f'a {kind} has no mask. Draw polygons or masks')
    return _polygon([number for point in points for number in point], size)


def _labelme_pixels(
    points: list[tuple[float, float]], text: str, size: tuple[int, int]
) -> dict:
    """A PNG as base64 in a box, whose corners are pixels of it."""
    (left, top), (right, bottom) = [(int(x), int(y)) for x, y in points]
    box = bottom - top + 1, right - left + 1
    if min(left, top) < 0 or bottom >= size[0] or right >= size[1]:
        raise ValueError(f'the corners of the mask are not within {size} pixels (h, w)')
    with Image.open(io.BytesIO(base64.b64decode(text, validate=True))) as image:
        if (image.height, image.width) != box:
            raise ValueError(
                f'the mask has {(image.height, image.width)} pixels (h, w), expected '
                f'{box} as its corners say'
            )
        pixels = np.asarray(image.convert('L')) > 0
    mask = np.zeros(size, dtype=np.uint8)
    mask[top : bottom + 1, left : right + 1] = pixels
    return encode_mask(mask)


def _as_labels(videos: Iterable[_DrawnVideo], faults: Faults) -> dict:
    """The set that the videos make up; categories are the labels in use, by name."""
    videos = list(videos)
    names = sorted({label for v in videos for label, _ in v.tracks.values()})
    if '' in names:
        faults.add('label', 'a shape has no label, expected one.')
    faults.raise_if_any()
    cat_ids = find_categories(names)
    labels: dict = dict(
        videos=[],
        categories=[dict(id=cat_id, name=name) for name, cat_id in cat_ids.items()],
        annotations=[],
    )
    for video_id, video in enumerate(videos, start=1):
        height, width = video.size
        length = len(video.file_names)
        labels['videos'].append(
            dict(
                id=video_id,
                height=height,
                width=width,
                length=length,
                file_names=video.file_names,
            )
        )
        for label, masks in video.tracks.values():
            joined = [
                rle_as_text(mask_utils.merge(masks[t])) if t in masks else None
                for t in range(length)
            ]
            add_annotation(labels, video_id, cat_ids[label], joined)
    return labels
