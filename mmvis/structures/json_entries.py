"""What annotations, results and records share: types, ids, lengths and masks."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

import msgspec
import numpy as np
from msgspec import Meta, Raw

from mmvis.structures.json_file import (
    Place,
    check_keys,
    decode,
    members,
    printable,
    shorten,
)
from mmvis.structures.rle import first_invalid_rle

__all__ = [
    'RLE',
    'Area',
    'Box',
    'Id',
    'MaskCheck',
    'Score',
    'Side',
    'TextRLE',
    'check_length',
    'check_size',
    'decode_entry',
    'find_id',
]

_RLE_AT_ONCE = 4096  # strings checked together: fast, in little memory

Id = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Side = Annotated[int, Meta(ge=1, le=(1 << 16) - 1)]
Number = Annotated[float, Meta(ge=-(2.0**31), le=2.0**31)]
Score = Annotated[float, Meta(ge=-1e300, le=1e300)]
# The official evaluator counts tracks of larger areas nowhere.
Area = Annotated[float, Meta(ge=0, le=1e10)]
Box = Annotated[list[Number], Meta(min_length=4, max_length=4)]


class RLE(TypedDict):
    """A mask as run lengths, compressed to a text or not."""

    size: Annotated[list[Side], Meta(min_length=2, max_length=2)]
    counts: str | Annotated[list[int], Meta(min_length=1)]


class TextRLE(TypedDict):
    """A mask as compressed run lengths."""

    size: Annotated[list[Side], Meta(min_length=2, max_length=2)]
    counts: str


class MaskCheck:
    """Checks that compressed RLE strings fill their frame, many at a time."""

    def __init__(self) -> None:
        self._masks: list[tuple[dict, Place, str, int]] = []

    def add(self, mask: dict, place: Place, path: str, frame_id: int) -> None:
        """Take the mask of a frame at a path below a place, '.segmentations[{}]'."""
        self._masks.append((mask, place, path, frame_id))
        if len(self._masks) >= _RLE_AT_ONCE:
            self.finish()

    def finish(self) -> None:
        """Check the masks that were taken.

        Raises:
            ValueError: If one does not describe a mask of its size.
        """
        pixels = [mask['size'][0] * mask['size'][1] for mask, *_ in self._masks]
        counts = [mask['counts'] for mask, *_ in self._masks]
        problem = first_invalid_rle(counts, np.array(pixels))
        if problem is not None:
            _, place, path, frame_id = self._masks[problem[0]]
            place = place.at(f'{path.format(frame_id)}.counts')
            raise place.error(f'the RLE {problem[1]}.')
        self._masks = []


def decode_entry(text: Raw, decoder: msgspec.json.Decoder, place: Place) -> Any:
    """Decode an annotation or a result, no key of which may occur twice."""
    entry = decode(text, decoder, place)
    for name, value in members(text, place).items():
        if name == 'segmentations' and _has_mask_keys_once(value, entry):
            continue
        check_keys(value, place.at(f'.{printable(name)}'))
    return entry


def _has_mask_keys_once(text: Raw, entry: Any) -> bool:
    """Whether masks have as many quotes as two keys, and a text, need: quick."""
    is_result = isinstance(entry, dict)
    masks = entry['segmentations'] if is_result else entry.segmentations
    num_quotes = sum(
        6 if isinstance(mask['counts'], str) else 4
        for mask in masks
        if isinstance(mask, dict)
    )
    return bytes(text).count(b'"') == num_quotes


def find_id(entry_id: int, known: dict, place: Place) -> Any:
    """Look up an id that has to be there."""
    if entry_id not in known:
        advice = 'Was this made for another split or version of the data set?'
        if place.path.endswith('.category_id'):
            advice = 'Labels must be written as category ids.'
        raise place.error(
            f'{entry_id} is none of the {len(known)} ids, {shorten(sorted(known))}. '
            f'{advice}'
        )
    return known[entry_id]


def check_length(values: list, video: dict, place: Place) -> None:
    """Check that a list has one entry per frame of its video."""
    if len(values) != video['length']:
        raise place.error(
            f'{len(values)} entries, but video {video["id"]} has {video["length"]} '
            'frames. Every frame needs one, null where the object is not seen.'
        )


def check_size(
    mask: dict, size: list[int], place: Place, path: str, frame_id: int
) -> None:
    """Check that a mask has the size of its video; make it one list for all."""
    if mask['size'] != size:
        raise place.at(f'{path.format(frame_id)}.size').error(
            f'{mask["size"]} given, but its video has [height, width] = {size}.'
        )
    mask['size'] = size
