"""Checks of what the official evaluator would reject, or score in silence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mmvis.errors import UserValueError
from mmvis.evaluation.functional.rle import first_invalid_rle

__all__ = ['validate_ground_truth', 'validate_results', 'video_length']


def video_length(video: dict) -> int:
    """Return the number of frames of a video of the ground-truth json."""
    return len(video['file_names']) if 'file_names' in video else video['length']


class _MaskCheck:
    """Collects compressed RLE strings and checks them all at the end."""

    def __init__(self) -> None:
        self._counts: list[str | bytes] = []
        self._pixels: list[int] = []
        self._frames: list[tuple[str, int]] = []

    def add(
        self, masks: list, video: dict, where: str, kinds: tuple[type, ...]
    ) -> None:
        """Check one track's masks; ``kinds`` are the types that counts may have."""
        size = [video['height'], video['width']]
        for frame_id, mask in enumerate(masks):
            if not mask:
                continue
            if not isinstance(mask, dict) or not {'size', 'counts'} <= mask.keys():
                raise UserValueError(
                    f'{where}[{frame_id}]: expected null or an RLE with "size" and '
                    f'"counts", got {_shorten(mask)}.'
                )
            if mask['size'] != size:
                raise UserValueError(
                    f'{where}[{frame_id}].size: {mask["size"]} given, but video '
                    f'{video["id"]} has [height, width] = {size}.'
                )
            counts = mask['counts']
            if not isinstance(counts, kinds):
                raise UserValueError(
                    f'{where}[{frame_id}].counts: expected compressed RLE (a string), '
                    f'got {_shorten(counts)}.'
                )
            if isinstance(counts, list):
                total = sum(counts)
                if total != math.prod(size) or min(counts, default=0) < 0:
                    raise UserValueError(
                        f'{where}[{frame_id}].counts: the runs add up to {total}, '
                        f'expected height * width = {math.prod(size)}.'
                    )
            else:
                self._counts.append(counts)
                self._pixels.append(size[0] * size[1])
                self._frames.append((where, frame_id))

    def finish(self) -> None:
        """Check the collected strings.

        Raises:
            ValueError: If one does not describe a mask of its size.
        """
        problem = first_invalid_rle(self._counts, np.array(self._pixels))
        if problem is not None:
            where, frame_id = self._frames[problem[0]]
            raise UserValueError(f'{where}[{frame_id}].counts: the RLE {problem[1]}.')


def validate_ground_truth(gt: Any, source: str = 'ground truth') -> None:
    """Check a ground-truth json, with or without annotations.

    Args:
        gt (Any): The parsed json.
        source (str): Name of the file, for messages.

    Raises:
        ValueError: If it is not what the format asks for; the message starts with
            the file and the field.
    """
    if not isinstance(gt, dict):
        raise UserValueError(
            f'{source}: expected an object with "videos", "categories" and '
            f'"annotations", got {_shorten(gt)}. Is this a results file?'
        )
    videos = _check_videos(gt, source)
    cats = _list_of(gt, 'categories', source)
    cat_ids = _check_ids(cats, f'{source}: categories')
    if not gt.get('annotations'):
        return
    annotations = _list_of(gt, 'annotations', source)
    _check_ids(annotations, f'{source}: annotations')
    masks = _MaskCheck()
    for index, annotation in enumerate(annotations):
        where = f'{source}: annotations[{index}]'
        video = _check_track(annotation, videos, cat_ids, where, ('iscrowd', 'areas'))
        if annotation['iscrowd'] not in (0, 1):
            raise UserValueError(
                f'{where}.iscrowd: expected 0 or 1, got {annotation["iscrowd"]!r}.'
            )
        _check_length(annotation, 'areas', video, where)
        segmentations = [
            None if isinstance(segmentation, list) else segmentation
            for segmentation in annotation['segmentations']
        ]
        masks.add(segmentations, video, f'{where}.segmentations', (str, list))
    masks.finish()


def validate_results(results: Any, gt: dict, source: str = 'results') -> None:
    """Check a results json against the videos and categories it is made for.

    Args:
        results (Any): The parsed json.
        gt (dict): The ground truth, checked; annotations are not needed.
        source (str): Name of the file, for messages.

    Raises:
        ValueError: At the first entry that a server would reject, or that would
            count for less than it should; the message starts with the file, the
            entry and the field.
    """
    if not isinstance(results, list):
        raise UserValueError(
            f'{source}: expected a list with one entry per track, got '
            f'{_shorten(results)}.'
        )
    videos = {video['id']: video for video in gt['videos']}
    cat_ids = {category['id'] for category in gt['categories']}
    masks = _MaskCheck()
    for index, result in enumerate(results):
        where = f'{source}: [{index}]'
        video = _check_track(result, videos, cat_ids, where, ('score',))
        score = result['score']
        is_number = isinstance(score, int | float) and not isinstance(score, bool)
        if not is_number or not math.isfinite(score):
            raise UserValueError(
                f'{where}.score: expected a finite number, got {score!r}.'
            )
        masks.add(result['segmentations'], video, f'{where}.segmentations', (str,))
    masks.finish()


def _check_track(
    track: Any, videos: dict, cat_ids: set, where: str, fields: tuple[str, ...]
) -> dict:
    """Check the fields that annotations and results share; return the video."""
    _check_fields(track, ('video_id', 'category_id', 'segmentations', *fields), where)
    video_id, cat_id = track['video_id'], track['category_id']
    if not _is_id(video_id) or video_id not in videos:
        raise UserValueError(
            f'{where}.video_id: {video_id!r} is none of the {len(videos)} videos of '
            'the ground truth. Was this made for another split or version?'
        )
    if not _is_id(cat_id) or cat_id not in cat_ids:
        raise UserValueError(
            f'{where}.category_id: {cat_id!r} is not a category; expected one of '
            f'{_shorten(sorted(cat_ids))}. Labels have to be written as category ids.'
        )
    _check_length(track, 'segmentations', videos[video_id], where)
    return videos[video_id]


def _check_length(track: dict, field: str, video: dict, where: str) -> None:
    num_frames = video_length(video)
    values = track[field]
    if not isinstance(values, list):
        raise UserValueError(
            f'{where}.{field}: expected a list, got {_shorten(values)}.'
        )
    if len(values) != num_frames:
        raise UserValueError(
            f'{where}.{field}: {len(values)} entries, but video {video["id"]} has '
            f'{num_frames} frames; write null where the object is not seen.'
        )


def _check_videos(gt: dict, source: str) -> dict[int, dict]:
    videos = _list_of(gt, 'videos', source)
    _check_ids(videos, f'{source}: videos')
    if not videos:
        raise UserValueError(
            f'{source}: videos: expected at least one video, got none.'
        )
    for index, video in enumerate(videos):
        where = f'{source}: videos[{index}]'
        length = 'length' if 'length' in video else 'file_names'
        _check_fields(video, ('height', 'width', length), where)
        if video.get('length', video_length(video)) != video_length(video):
            raise UserValueError(
                f'{where}.length: {video["length"]} given, but file_names has '
                f'{video_length(video)} entries.'
            )
    return {video['id']: video for video in videos}


def _check_ids(entries: list, where: str) -> set[int]:
    ids: set[int] = set()
    for index, entry in enumerate(entries):
        _check_fields(entry, ('id',), f'{where}[{index}]')
        if not _is_id(entry['id']) or entry['id'] in ids:
            raise UserValueError(
                f'{where}[{index}].id: expected an integer that no earlier entry has, '
                f'got {entry["id"]!r}.'
            )
        ids.add(entry['id'])
    return ids


def _check_fields(entry: Any, fields: tuple[str, ...], where: str) -> None:
    if not isinstance(entry, dict):
        raise UserValueError(f'{where}: expected an object, got {_shorten(entry)}.')
    for field in fields:
        if field not in entry:
            raise UserValueError(
                f'{where}.{field}: missing; the entry has {sorted(entry)}.'
            )


def _list_of(gt: dict, field: str, source: str) -> list:
    if not isinstance(gt.get(field), list):
        raise UserValueError(
            f'{source}: {field}: expected a list, got {_shorten(gt.get(field))}.'
        )
    return gt[field]


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f'{text[:57]}...'
