"""Labels of DAVIS and YouTube-VOS: an image of ids for each frame."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from mmvis.atomic_file import atomic_file
from mmvis.errors import UserValueError
from mmvis.labels.faults import Faults
from mmvis.labels.frame_files import FrameFiles, natural_key
from mmvis.labels.id_masks import make_video, paint_ids, read_ids
from mmvis.labels.label_set import (
    add_annotation,
    encode_mask,
    find_categories,
    video_names,
)
from mmvis.structures.json_file import parse_json
from mmvis.structures.packed_file import read_content

__all__ = ['read_davis', 'write_davis']

_VOID = 255  # pixels that are not scored


def read_davis(path: Path, frames: Path | None, classes: list[str]) -> dict:
    """Read a folder of id images for each video, as DAVIS and YouTube-VOS have them.

    The folder is PATH/Annotations if there is one. A pixel's value is the id of its
    object, 0 the background; 255 is no object where there are others. The frames are
    those that have an image. ``tracks.json`` beside the images says of which class an
    id is, as mmvis writes it; without, all objects are of the one class.

    Raises:
        UserValueError: With all faults.
    """
    faults = Faults(str(path))
    root = _below(path, 'Annotations')
    if frames is None and (path / 'JPEGImages').is_dir():
        frames = path / 'JPEGImages'
    files = FrameFiles(frames, faults)
    folders = sorted({image.parent for image in root.rglob('*.png')}, key=natural_key)
    if not folders:
        raise UserValueError(
            f'{root}: there is no PNG image in it, expected a folder of them for each '
            'video.'
        )
    default = classes[0] if classes else 'object'
    keys = {folder: _read_key(folder, faults) for folder in folders}
    named = [
        (entry['class'], entry.get('category_id'))
        for key in keys.values()
        for entry in key.values()
    ]
    if len(classes) > 1 and not named:
        raise UserValueError(
            f'{path}: pixels do not say which of {", ".join(classes)} an object is. '
            'Put a tracks.json beside the images of each video, {"1": {"class": '
            f'"{classes[0]}"}}, ...}}, or name one class.'
        )
    cat_ids = _category_ids(named or [(default, None)], faults)
    labels: dict = dict(
        videos=[],
        categories=[dict(id=cat_id, name=name) for name, cat_id in cat_ids.items()],
        annotations=[],
    )
    for video_id, folder in enumerate(folders, start=1):
        name = root.name if folder == root else folder.relative_to(root).as_posix()
        images = sorted(folder.glob('*.png'), key=natural_key)
        found = [read_ids(image, faults) for image in images]
        ids = [image for image in found if image is not None]
        shapes = {image.shape for image in ids}
        if len(shapes) != 1 or len(ids) < len(found):
            if len(shapes) > 1:
                faults.add(name, f'images of the sizes {sorted(shapes)}, expected one.')
            continue
        ((height, width),) = shapes
        file_names = [files.find(name, image.stem) for image in images]
        if frames is not None and not any(fault.path == name for fault in faults):
            files.check_size(file_names[0], height, width)
        labels['videos'].append(make_video(video_id, height, width, file_names))
        for value, masks in _objects(ids):
            label = keys[folder].get(str(value), {}).get('class', default)
            if label not in cat_ids:
                faults.add(name, f'id {value} is not in {folder / "tracks.json"}.')
                continue
            add_annotation(labels, video_id, cat_ids[label], masks)
    faults.raise_if_any()
    return labels


def _below(path: Path, name: str) -> Path:
    if not path.is_dir():
        raise UserValueError(f'{path}: expected a folder, one that exists.')
    return path / name if (path / name).is_dir() else path


def _read_key(folder: Path, faults: Faults) -> dict[str, dict]:
    """Which object each value is, {} if that is not said."""
    path = folder / 'tracks.json'
    if not path.is_file():
        return {}
    try:
        key = parse_json(read_content(path), str(path))
        return {str(int(value)): dict(entry, **{'class': str(entry['class'])})
                for value, entry in key.items()}  # fmt: skip
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        faults.add('tracks.json', f'{path}: expected VALUE: {{"class": NAME}}: {error}')
        return {}


def _category_ids(
    named: list[tuple[str, int | None]], faults: Faults
) -> dict[str, int]:
    """Ids of the categories: those that are given, else 1, 2, ... by name."""
    given = {name: cat_id for name, cat_id in named if isinstance(cat_id, int)}
    if len(set(given.values())) < len(given):
        faults.add('category_id', f'one id has several names: {given}.')
    if given.keys() >= {name for name, _ in named}:
        return dict(sorted(given.items(), key=lambda item: item[1]))
    return find_categories(sorted({name for name, _ in named}))


def _objects(ids: list[np.ndarray]) -> Iterator[tuple[int, list[dict | None]]]:
    """Value and masks of each object of a video."""
    values = sorted(set().union(*(np.unique(image).tolist() for image in ids)) - {0})
    if len(values) > 1:
        values = [value for value in values if value != _VOID]
    for value in values:
        masks = [image == value for image in ids]
        yield value, [encode_mask(mask) if mask.any() else None for mask in masks]


def write_davis(labels: dict, path: Path) -> None:
    """Write Annotations/VIDEO/FRAME.png with DAVIS' palette, and ``tracks.json``.

    Raises:
        UserValueError: If masks overlap, or a video has more objects than values.
    """
    from mmvis.outputs.mask_images import davis_palette

    palette = davis_palette().tobytes()
    names = video_names(labels)
    classes = {category['id']: category['name'] for category in labels['categories']}
    for video in labels['videos']:
        folder = path / 'Annotations' / names[video['id']]
        tracks = [a for a in labels['annotations'] if a['video_id'] == video['id']]
        if len(tracks) >= _VOID:
            raise UserValueError(
                f'Video {video["id"]} has {len(tracks)} objects, and images of 8 bits '
                f'hold {_VOID - 1}. Choose another format.'
            )
        for t, frame in enumerate(video['file_names']):
            ids = paint_ids(video, tracks, t)
            image = Image.fromarray(ids)
            image.putpalette(palette)
            content = io.BytesIO()
            image.save(content, 'PNG')
            with atomic_file(folder / f'{Path(frame).stem}.png') as partial:
                partial.write_bytes(content.getvalue())
        key = {
            value: {
                'track_id': track['id'],
                'class': classes[track['category_id']],
                'category_id': track['category_id'],
            }
            for value, track in enumerate(tracks, start=1)
        }
        with atomic_file(folder / 'tracks.json') as partial:
            partial.write_text(json.dumps(key, indent=2), 'utf-8')
