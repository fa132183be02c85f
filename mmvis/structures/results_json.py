"""Format of results files of YouTube-VIS and OVIS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypedDict

import msgspec

from mmvis.errors import UserValueError
from mmvis.structures.json_entries import (
    Id,
    MaskCheck,
    Score,
    TextRLE,
    check_length,
    decode_entry,
    find_id,
    garbage_collection_paused,
)
from mmvis.structures.json_file import Place, elements, first_byte, members, shorten
from mmvis.structures.packed_file import read_content

__all__ = ['parse_results', 'read_results', 'to_json']


class _Result(TypedDict):
    video_id: Id
    category_id: Id
    score: Score
    segmentations: list[TextRLE | None]


_RESULT = msgspec.json.Decoder(_Result)


def read_results(
    path: str | Path, gt: dict, backend_args: dict | None = None, is_strict: bool = True
) -> list[dict]:
    """Read a results file, see :func:`parse_results`.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If anything in it is not as the format says.
    """
    return parse_results(read_content(path, backend_args), gt, str(path), is_strict)


def to_json(value: Any, source: str) -> bytes:
    """Encode a value as JSON text for the parsers.

    Raises:
        ValueError: If it holds what JSON does not know, for example bytes.
    """
    try:
        return json.dumps(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UserValueError(
            f'{source}: {error}; expected what a json file can hold.'
        ) from error


@garbage_collection_paused()
def parse_results(
    content: bytes, gt: dict, source: str, is_strict: bool = True
) -> list[dict]:
    """Parse and check a results file against the videos and categories it is for.

    Args:
        content (bytes): JSON text.
        gt (dict): The checked ground truth, or its videos (``id``,
            ``height``, ``width``, ``length``) and categories (``id``) alone.
        source (str): Name of the file, for messages.
        is_strict (bool): Whether to refuse what the official evaluator takes in
            silence. Defaults to True.

    Returns:
        list[dict]: ``video_id``, ``category_id``, ``score`` and ``segmentations``
        (compressed RLE, ``counts`` as str, or None, per frame) of each track.

    Raises:
        ValueError: At the first entry that a server would reject, or that would
            count for less than it should.
    """
    top = Place(source)
    if first_byte(content) == b'{':
        raise top.error(
            'expected a list with one entry per track, got an object with the keys '
            f'{shorten(list(members(content, top)))}. Is this an annotation file?'
        )
    videos = {video['id']: video for video in gt['videos']}
    categories = {category['id']: category for category in gt['categories']}
    check = MaskCheck()
    results = []
    for index, text in enumerate(elements(content, top)):
        place = top.at(f'[{index}]')
        result = decode_entry(text, _RESULT, place)
        masks = result['segmentations']
        size = None
        if is_strict:
            video = find_id(result['video_id'], videos, place, 'video_id')
            find_id(result['category_id'], categories, place, 'category_id')
            check_length(masks, video, place, 'segmentations')
            size = [video['height'], video['width']]
        check.add(masks, size, place, '.segmentations[{}]')
        results.append(result)
    check.finish()
    return results
