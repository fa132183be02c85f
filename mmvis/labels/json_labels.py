"""Labels in the json formats of YouTube-VIS, COCO and CocoVID."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Raw, Struct

from mmvis.atomic_file import atomic_file
from mmvis.labels.check import check_labels
from mmvis.labels.faults import Faults
from mmvis.labels.label_set import add_annotation, normalize, video_names
from mmvis.structures.annotation_entries import Category
from mmvis.structures.json_entries import RLE, Id, Side
from mmvis.structures.json_file import Place, PlaceError, decode, elements, members
from mmvis.structures.packed_file import read_content
from mmvis.structures.rle import compress, rle_as_text
from mmvis.structures.rle_runs import first_invalid_rle
from mmvis.structures.ytvis_json import parse_coco, parse_ytvis

__all__ = [
    'read_coco',
    'read_cocovid',
    'read_ytvis',
    'write_coco',
    'write_cocovid',
    'write_ytvis',
]


class _Frame(Struct):
    id: Id
    video_id: Id
    file_name: str
    height: Side
    width: Side
    frame_id: Id | None = None


class _FrameAnnotation(Struct):
    image_id: Id
    category_id: Id
    segmentation: RLE | list[list[float]]
    instance_id: Id | None = None
    track_id: Id | None = None
    iscrowd: int | bool = 0


def read_ytvis(path: Path, frames: Path | None, classes: list[str]) -> dict:
    """Read a json of YouTube-VIS."""
    checked = check_labels(path, frames=frames)
    checked.faults.raise_if_any()
    return normalize(
        parse_ytvis(msgspec.json.encode(checked.content), str(path), ('file_names',))
    )


def read_coco(path: Path, frames: Path | None, classes: list[str]) -> dict:
    """Read a json of COCO; each image is a video of one frame."""
    checked = check_labels(path, 'coco', frames)
    checked.faults.raise_if_any()
    return normalize(parse_coco(msgspec.json.encode(checked.content), str(path)))


def read_cocovid(path: Path, frames: Path | None, classes: list[str]) -> dict:
    """Read a json of CocoVID: images of videos, objects with an instance id.

    Instance ids, or track ids, count within a video. Images are ordered by frame id.
    """
    place = Place(str(path))
    top = members(read_content(path), place)
    for key in ('images', 'annotations', 'categories'):
        if key not in top:
            raise place.at(key).error('missing, expected the list of CocoVID.')
    faults = Faults(str(path))
    entries = {
        key: _read(top[key], kind, place.at(key), faults)
        for key, kind in (
            ('images', _Frame),
            ('categories', Category),
            ('annotations', _FrameAnnotation),
        )
    }
    images = sorted(
        entries['images'], key=lambda x: (x[1].video_id, x[1].frame_id or 0)
    )
    labels: dict = dict(
        videos=_videos(images, faults),
        categories=[dict(id=c.id, name=c.name) for _, c in entries['categories']],
        annotations=[],
    )
    _add_tracks(labels, images, entries['annotations'], faults)
    faults.raise_if_any()
    return labels


def _read(
    content: Raw, kind: type[Struct], place: Place, faults: Faults
) -> list[tuple[str, Any]]:
    """Path and fields of each entry; those that are not of the kind are faults."""
    decoder = msgspec.json.Decoder(kind)
    found, ids = [], set()
    for index, text in enumerate(elements(content, place)):
        entry = place.at(f'[{index}]')
        try:
            fields = decode(text, decoder, entry)
        except PlaceError as error:
            faults.add_error(error)
            continue
        entry_id = getattr(fields, 'id', None)
        if entry_id is not None and entry_id in ids:
            faults.add(f'{entry.path}.id', f'{entry_id} occurs twice, expected once.')
            continue
        ids.add(entry_id)
        found.append((entry.path, fields))
    return found


def _videos(images: list[tuple[str, _Frame]], faults: Faults) -> list[dict]:
    """Videos of the images, which are in order."""
    videos: dict[int, dict] = {}
    for path, image in images:
        size = dict(height=image.height, width=image.width)
        video = videos.setdefault(
            image.video_id, dict(id=image.video_id, **size, file_names=[])
        )
        if (video['height'], video['width']) != (image.height, image.width):
            faults.add(
                f'{path}.height',
                f'{image.height} x {image.width} pixels, but the first frame of video '
                f'{image.video_id} has {video["height"]} x {video["width"]}.',
            )
        video['file_names'].append(image.file_name)
    for video in videos.values():
        video['length'] = len(video['file_names'])
    return list(videos.values())


def _add_tracks(
    labels: dict,
    images: list[tuple[str, _Frame]],
    annotations: list[tuple[str, _FrameAnnotation]],
    faults: Faults,
) -> None:
    """Join the objects of images to tracks."""
    counts: dict[int, int] = defaultdict(int)
    places = {}
    for _, image in images:
        places[image.id] = (image, counts[image.video_id])
        counts[image.video_id] += 1
    cat_ids = {category['id'] for category in labels['categories']}
    tracks: dict[tuple, dict] = {}
    for path, item in annotations:
        track_id = item.track_id if item.instance_id is None else item.instance_id
        problem = ''
        if item.image_id not in places:
            problem = f'image_id {item.image_id} is the id of no image.'
        elif item.category_id not in cat_ids:
            problem = f'category_id {item.category_id} is the id of no category.'
        elif track_id is None:
            problem = 'instance_id is missing, expected the number of the object.'
        if problem:
            faults.add(path, problem)
            continue
        image, t = places[item.image_id]
        mask = _mask(item.segmentation, image, path, faults)
        track = tracks.setdefault(
            (image.video_id, track_id),
            dict(category_id=item.category_id, masks={}, iscrowd=int(item.iscrowd)),
        )
        if t in track['masks']:
            faults.add(path, f'object {track_id} has two masks in image {image.id}.')
        if track['category_id'] != item.category_id:
            faults.add(
                path,
                f'object {track_id} of video {image.video_id} has the categories '
                f'{track["category_id"]} and {item.category_id}, expected one.',
            )
        track['masks'][t] = mask
    for (video_id, _), track in tracks.items():
        masks = [track['masks'].get(t) for t in range(counts[video_id])]
        add_annotation(
            labels, video_id, track['category_id'], masks, iscrowd=track['iscrowd']
        )


def _mask(segmentation: Any, image: _Frame, path: str, faults: Faults) -> dict | None:
    """Compressed RLE of a mask; None, and a fault, if it does not fill its image."""
    size = [image.height, image.width]
    try:
        if isinstance(segmentation, dict) and segmentation['size'] != size:
            raise ValueError(f'size {segmentation["size"]}, its image has {size}.')
        mask = rle_as_text(compress(segmentation, *size)) if segmentation else None
        pixels = np.array([size[0] * size[1]])
        problem = first_invalid_rle([mask['counts']], pixels) if mask else None
        if problem:
            raise ValueError(f'the RLE {problem[1]}.')
    except ValueError as error:
        faults.add(f'{path}.segmentation', str(error))
        return None
    return mask


def write_ytvis(labels: dict, path: Path) -> None:
    """Write a json of YouTube-VIS."""
    _write_json(labels, path)


def write_coco(labels: dict, path: Path) -> None:
    """Write a json of COCO: each frame is an image, objects have no identity."""
    content = _per_frame(labels)
    del content['videos']
    for item in content['annotations']:
        del item['instance_id'], item['video_id']
    for image in content['images']:
        del image['video_id'], image['frame_id']
    _write_json(content, path)


def write_cocovid(labels: dict, path: Path) -> None:
    """Write a json of CocoVID."""
    _write_json(_per_frame(labels), path)


def _per_frame(labels: dict) -> dict:
    names = video_names(labels)
    content: dict[str, list] = dict(
        videos=[], images=[], annotations=[], categories=labels['categories']
    )
    image_ids: dict[tuple[int, int], int] = {}
    for video in labels['videos']:
        size = dict(height=video['height'], width=video['width'])
        content['videos'].append(
            dict(
                id=video['id'], name=names[video['id']], length=video['length'], **size
            )
        )
        for t, name in enumerate(video['file_names']):
            image_ids[video['id'], t] = len(image_ids) + 1
            content['images'].append(
                dict(
                    id=len(image_ids),
                    video_id=video['id'],
                    frame_id=t,
                    file_name=name,
                    **size,
                )
            )
    for item in labels['annotations']:
        for t, mask in enumerate(item['segmentations']):
            if mask is not None:
                content['annotations'].append(
                    dict(
                        id=len(content['annotations']) + 1,
                        image_id=image_ids[item['video_id'], t],
                        video_id=item['video_id'],
                        instance_id=item['id'],
                        category_id=item['category_id'],
                        iscrowd=item['iscrowd'],
                        segmentation=mask,
                        bbox=item['bboxes'][t],
                        area=item['areas'][t],
                    )
                )
    return content


def _write_json(content: dict, path: Path) -> None:
    with atomic_file(path) as partial:
        partial.write_text(json.dumps(content), 'utf-8')
