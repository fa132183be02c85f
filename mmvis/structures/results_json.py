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
_RESULTS = msgspec.json.Decoder(list[_Result])
# Quotes of the two keys of a mask and of its counts, and of the four keys of a result.
_QUOTES_OF_MASK = 6
_QUOTES_OF_RESULT = 8


def read_results(
    path: str | Path,
    gt: dict,
    *,
    backend_args: dict | None = None,
    is_strict: bool = True,
    check_rle: bool = True,
) -> list[dict]:
    """Read a results file, see :func:`parse_results`.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If anything in it is not as the format says.
    """
    content = read_content(path, backend_args)
    return parse_results(
        content, gt, str(path), is_strict=is_strict, check_rle=check_rle
    )


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
    content: bytes,
    gt: dict,
    source: str,
    *,
    is_strict: bool = True,
    check_rle: bool = True,
) -> list[dict]:
    """Parse and check a results file against the videos and categories it is for.

    Args:
        content (bytes): JSON text.
        gt (dict): The checked ground truth, or its videos (``id``,
            ``height``, ``width``, ``length``) and categories (``id``) alone.
        source (str): Name of the file, for messages.
        is_strict (bool): Whether to refuse what the official evaluator takes in
            silence. Defaults to True.
        check_rle (bool): Whether to check the RLE strings. If not, whoever decodes
            them has to. Defaults to True.

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
    check = MaskCheck(sizes_only=not check_rle)
    results = _decode_at_once(content)
    if results is None:  # what is wrong is found entry by entry
        results = [
            decode_entry(text, _RESULT, top.at(f'[{index}]'))
            for index, text in enumerate(elements(content, top))
        ]
    for index, result in enumerate(results):
        place = top.at(f'[{index}]')
        masks = result['segmentations']
        size = None
        if is_strict:
            video = find_id(result['video_id'], videos, place, 'video_id')
            find_id(result['category_id'], categories, place, 'category_id')
            check_length(masks, video, place, 'segmentations')
            size = [video['height'], video['width']]
        check.add(masks, size, place, '.segmentations[{}]')
    check.finish()
    return results


def _decode_at_once(content: bytes) -> list[dict] | None:
    """Decode a whole file, which is faster than entry by entry.

    Returns:
        list[dict] | None: None if an entry is invalid, or has more keys or quotes than
        it needs: one might be a key that occurs twice.
    """
    try:
        results: list[Any] = _RESULTS.decode(content)
    except (msgspec.DecodeError, RecursionError):
        return None
    num_masks = sum(
        list(map(type, result['segmentations'])).count(dict) for result in results
    )
    num_quotes = _QUOTES_OF_MASK * num_masks + _QUOTES_OF_RESULT * len(results)
    return results if content.count(b'"') == num_quotes else None
