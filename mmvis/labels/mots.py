"""Labels of MOTS: a text file, or images of 16 bits, for each video."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmvis.atomic_file import atomic_file
from mmvis.errors import UserValueError
from mmvis.file_kind import check_is_file
from mmvis.labels.faults import Faults
from mmvis.labels.frame_files import FrameFiles, natural_key
from mmvis.labels.id_masks import make_video, paint_ids, read_ids
from mmvis.labels.label_set import add_annotation, encode_mask, video_names
from mmvis.structures.packed_file import read_content
from mmvis.structures.rle_runs import first_invalid_rle

__all__ = ['read_mots', 'write_mots']

_LABELS = 'labels.txt'  # the name of class 1, 2, ... in each line
_CLASSES = ('car', 'pedestrian')  # of KITTI MOTS
_IGNORE = 10  # class of regions that are not scored

# Id and name of a video; frame, id and mask of each row; names of frames for want of
# files.
_Video = tuple[int, str, list[tuple[int, int, dict]], list[str]]


def read_mots(path: Path, frames: Path | None, classes: list[str]) -> dict:
    """Read MOTS: a text file, or a folder of images of 16 bits, for each video.

    The id of an object is class id * 1000 + number; class 10 is ignored. Classes are
    named by ``classes``, else by ``labels.txt``, one a line, else as in KITTI MOTS.

    Raises:
        UserValueError: With all faults.
    """
    faults = Faults(str(path))
    root = path if path.is_dir() else path.parent
    texts = [path] if path.is_file() else sorted(path.rglob('*.txt'), key=natural_key)
    texts = [text for text in texts if text.name != _LABELS]
    videos = {
        text.relative_to(root).with_suffix('').as_posix(): _read_lines(text, faults)
        for text in texts
    }
    images: dict[str, list[str]] = {}
    if videos and frames is None:
        raise UserValueError(
            f'{path}: the number of frames is not in the text files of MOTS. Give the '
            'folder of the frames: --frames DIR.'
        )
    if not videos:
        folders = {image.parent for image in path.rglob('*.png')}
        for folder in sorted(folders, key=natural_key):
            name = path.name if folder == path else folder.relative_to(path).as_posix()
            videos[name] = _read_images(folder, faults)
            images[name] = [
                f'{name}/{image.stem}.jpg'
                for image in sorted(folder.glob('*.png'), key=natural_key)
            ]
    if not videos:
        raise UserValueError(
            f'{path}: there are no text files and no PNG images in it, expected one '
            'text file, or a folder of images, for each video.'
        )
    if (root / _LABELS).is_file() and not classes:
        classes = read_content(root / _LABELS).decode().split('\n')
        classes = [name.strip() for name in classes if name.strip()]
    classes = classes or list(_CLASSES)
    labels: dict = dict(
        videos=[],
        categories=[dict(id=i, name=name) for i, name in enumerate(classes, start=1)],
        annotations=[],
    )
    files = FrameFiles(frames, faults)
    for video_id, (name, rows) in enumerate(videos.items(), start=1):
        _add_video(labels, (video_id, name, rows, images.get(name, [])), files)
    faults.raise_if_any()
    return labels


def _read_lines(path: Path, faults: Faults) -> list[tuple[int, int, dict]]:
    """Frame, id and mask of each line."""
    rows = []
    check_is_file(path)
    for number, line in enumerate(path.read_text('ascii', 'replace').splitlines(), 1):
        words = line.split()
        place = f'line[{number}]'
        try:
            frame, value, class_id, height, width = map(int, words[:5])
            (counts,) = words[5:]
        except ValueError:
            faults.add(
                place,
                f'{path}: {line:.60}, expected frame id class height width RLE.',
            )
            continue
        problem = first_invalid_rle([counts], np.array([height * width]))
        if problem:
            faults.add(place, f'{path}: the RLE {problem[1]}.')
        elif value // 1000 != class_id:
            faults.add(
                place,
                f'{path}: id {value} is of class {value // 1000}, not {class_id}.',
            )
        elif class_id != _IGNORE:
            rows.append((frame, value, dict(size=[height, width], counts=counts)))
    return rows


def _read_images(folder: Path, faults: Faults) -> list[tuple[int, int, dict]]:
    rows = []
    for path in sorted(folder.glob('*.png'), key=natural_key):
        ids = read_ids(path, faults)
        if not path.stem.isdecimal():
            faults.add('image', f'{path}: expected the number of a frame as name.')
        elif ids is not None:
            for value in np.unique(ids).tolist():
                if value and value // 1000 != _IGNORE:
                    rows.append((int(path.stem), value, encode_mask(ids == value)))
    return rows


def _add_video(labels: dict, video: _Video, files: FrameFiles) -> None:
    """Add a video and the tracks that its rows make up."""
    faults = files.faults
    video_id, name, rows, made_names = video
    sizes = {tuple(mask['size']) for _, _, mask in rows}
    if len(sizes) != 1:
        faults.add(name, f'masks of the sizes {sorted(sizes)}, expected one.')
        return
    ((height, width),) = sizes
    file_names = files.list(name) or made_names
    if not file_names:
        faults.add(name, f'there are no frames in {files.root}/{name}.')
        return
    files.check_size(file_names[0], height, width)
    places = {number: t for t, number in enumerate(_frame_numbers(file_names))}
    labels['videos'].append(make_video(video_id, height, width, file_names))
    tracks: dict[int, list] = {}
    for frame, value, mask in rows:
        t = places.get(frame)
        if t is None:
            faults.add(f'{name}.frame', f'{frame} is none of {len(file_names)} frames.')
            continue
        masks = tracks.setdefault(value, [None] * len(file_names))
        if masks[t] is not None:
            faults.add(f'{name}.id', f'{value} occurs twice in frame {frame}.')
        masks[t] = mask
    for value, masks in tracks.items():
        class_id = value // 1000
        if not 1 <= class_id <= len(labels['categories']):
            faults.add(
                f'{name}.class',
                f'{class_id} of id {value} has no name. Name the classes: --classes.',
            )
            continue
        add_annotation(labels, video_id, class_id, masks)


def _frame_numbers(file_names: list[str]) -> list[int]:
    """Numbers of the frames in MOTS: those of the files if they count up, else from 0.

    KITTI counts frames from 0, the MOT challenge from 1.
    """
    stems = [Path(name).stem for name in file_names]
    if all(stem.isdecimal() for stem in stems):
        numbers = [int(stem) for stem in stems]
        if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            return numbers
    return list(range(len(file_names)))


def write_mots(labels: dict, path: Path) -> None:
    """Write VIDEO.txt for each video, and ``labels.txt`` with the classes in order.

    Raises:
        UserValueError: If masks overlap, or a class has more than 999 objects.
    """
    names = video_names(labels)
    class_ids = {c['id']: i for i, c in enumerate(labels['categories'], start=1)}
    for video in labels['videos']:
        tracks = [a for a in labels['annotations'] if a['video_id'] == video['id']]
        numbers: dict[int, int] = {}
        values = []
        for track in tracks:
            class_id = class_ids[track['category_id']]
            numbers[class_id] = numbers.get(class_id, 0) + 1
            values.append(1000 * class_id + numbers[class_id])
        if max(numbers.values(), default=0) > 999:
            raise UserValueError(
                f'Video {video["id"]} has over 999 objects of a class.'
            )
        lines = []
        for t, number in enumerate(_frame_numbers(video['file_names'])):
            paint_ids(video, tracks, t)  # refuses overlaps
            for value, track in zip(values, tracks):
                rle = track['segmentations'][t]
                if rle is not None:
                    lines.append(
                        f'{number} {value} {value // 1000} {video["height"]} '
                        f'{video["width"]} {rle["counts"]}\n'
                    )
        with atomic_file(path / f'{names[video["id"]]}.txt') as partial:
            partial.write_text(''.join(lines), 'ascii')
    with atomic_file(path / _LABELS) as partial:
        rows = [f'{category["name"]}\n' for category in labels['categories']]
        partial.write_text(''.join(rows), 'utf-8')
