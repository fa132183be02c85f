"""Types and checks of json entries: ids, lengths and masks."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import compress
from operator import itemgetter
from typing import Annotated, Any, TypedDict

import msgspec
import numpy as np
from msgspec import Meta, Raw

from mmvis.structures.json_file import (
    Place,
    check_keys,
    decode,
    members,
    shorten,
)
from mmvis.structures.rle_runs import first_invalid_rle
from mmvis.terminal import printable

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
    'decode_entry',
    'find_id',
    'garbage_collection_paused',
]

_RLE_AT_ONCE = 4096  # strings checked together: fast, in little memory

Id = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Side = Annotated[int, Meta(ge=1, le=(1 << 16) - 1)]
# The sum of all runs that fit into memory is a number of 64 bits.
Run = Annotated[int, Meta(ge=0, le=(1 << 32) - 1)]
Number = Annotated[float, Meta(ge=-(2.0**31), le=2.0**31)]
Score = Annotated[float, Meta(ge=-1e300, le=1e300)]
# The official evaluator counts tracks of larger areas nowhere.
Area = Annotated[float, Meta(ge=0, le=1e10)]
Box = Annotated[list[Number], Meta(min_length=4, max_length=4)]


class RLE(TypedDict):
    """A mask as run lengths, compressed to a text or not."""

    size: Annotated[list[Side], Meta(min_length=2, max_length=2)]
    counts: str | Annotated[list[Run], Meta(min_length=1)]


class TextRLE(TypedDict):
    """A mask as compressed run lengths."""

    size: Annotated[list[Side], Meta(min_length=2, max_length=2)]
    counts: str


@contextmanager
def garbage_collection_paused() -> Iterator[None]:
    """Keep Python's collector from walking through all masks again and again.

    It costs more than the parsing. Nothing that is parsed refers to itself.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class MaskCheck:
    """Checks that masks fill their frame, the RLE strings of many tracks at a time.

    Args:
        sizes_only (bool): Whether to check only the sizes that masks state, for RLE
            strings that are checked where they are decoded. Defaults to False.
    """

    def __init__(self, sizes_only: bool = False) -> None:
        self._sizes_only = sizes_only
        self._counts: list[str] = []  # compressed RLE
        self._pixels: list[int] = []  # that they must have
        # Where they are, track by track: path of a mask, and all masks.
        self._places: list[tuple[Place, str, list]] = []

    def add(self, masks: list, size: list[int] | None, place: Place, path: str) -> None:
        """Take the masks of a track; what is no RLE is left out.

        Args:
            masks (list): One mask or None per frame.
            size (list[int] | None): Size (h, w) that they must have, if any.
            place (Place): Where the track is.
            path (str): Path of a mask below it, '.segmentations[{}]'.

        Raises:
            ValueError: If one is of another size, or see :meth:`finish`.
        """
        found = _rles(masks)
        sizes = list(map(itemgetter('size'), found))
        if size is not None and sizes.count(size) < len(found):
            frame_id = next(
                t for t, m in enumerate(masks) if type(m) is dict and m['size'] != size
            )
            raise place.at(f'{path.format(frame_id)}.size').error(
                f'{masks[frame_id]["size"]} given, but its video has [height, width] = '
                f'{size}.'
            )
        if self._sizes_only:
            return
        counts = list(map(itemgetter('counts'), found))
        if list in set(map(type, counts)):  # uncompressed
            is_text = [type(item) is str for item in counts]
            counts = list(compress(counts, is_text))
            sizes = list(compress(sizes, is_text))
        self._counts += counts
        if size is None:
            self._pixels += [height * width for height, width in sizes]
        else:
            self._pixels += [size[0] * size[1]] * len(counts)
        self._places.append((place, path, masks))
        if len(self._counts) >= _RLE_AT_ONCE:
            self.finish()

    def finish(self) -> None:
        """Check the RLE strings that were taken.

        Raises:
            ValueError: If one does not describe a mask of its size.
        """
        pixels = np.array(self._pixels, dtype=np.int64)
        problem = first_invalid_rle(self._counts, pixels)
        if problem is not None:
            place, path, frame_id = [
                (place, path, frame_id)
                for place, path, masks in self._places
                for frame_id, mask in enumerate(masks)
                if type(mask) is dict and type(mask['counts']) is str
            ][problem[0]]
            place = place.at(f'{path.format(frame_id)}.counts')
            raise place.error(f'the RLE {problem[1]}.')
        self._counts, self._pixels, self._places = [], [], []


def decode_entry(
    text: Raw, decoder: msgspec.json.Decoder, place: Place, num_required: int = 4
) -> Any:
    """Decode an annotation or a result, no key of which may occur twice.

    A mask needs four quotes for its keys and two for counts that are a string, a
    required field two. If a text has no more, no key occurs twice: a quick test.
    """
    entry = decode(text, decoder, place)
    if type(entry) is dict:
        masks = entry['segmentations']
    else:
        masks = getattr(entry, 'segmentations', ())  # COCO's has one mask
    masks = _rles(masks)
    num_texts = list(map(type, map(itemgetter('counts'), masks))).count(str)
    num_quotes = 4 * len(masks) + 2 * num_texts
    if bytes(text).count(b'"') == num_quotes + 2 * num_required:
        return entry
    for name, value in members(text, place).items():
        if name != 'segmentations' or bytes(value).count(b'"') != num_quotes:
            check_keys(value, place.at(f'.{printable(name)}'))
    return entry


def _rles(masks: Iterable[Any]) -> list[dict]:
    """The masks that are RLE: neither None nor polygons."""
    found = list(filter(None, masks))
    if list(map(type, found)).count(dict) == len(found):  # the usual case, and fast
        return found
    return [mask for mask in found if type(mask) is dict]


def find_id(entry_id: int, known: dict, place: Place, key: str) -> Any:
    """Look up the id under a key, which must exist."""
    if entry_id not in known:
        advice = 'Was this made for another split or version of the data set?'
        if key == 'category_id':
            advice = 'Labels must be written as category ids.'
        raise place.at(f'.{key}').error(
            f'{entry_id} is none of the {len(known)} ids, {shorten(sorted(known))}. '
            f'{advice}'
        )
    return known[entry_id]


def check_length(values: list, video: dict, place: Place, key: str) -> None:
    """Check that the list under a key has one entry per frame of its video."""
    if len(values) != video['length']:
        raise place.at(f'.{key}').error(
            f'{len(values)} entries, but video {video["id"]} has {video["length"]} '
            'frames. Every frame needs one, null where the object is not seen.'
        )
