"""Masks of annotation and results files: RLE and polygons.

Compressed RLE is that of the COCO API: each run length is written in digits of five
bits, least significant first, as characters from '0' on; a further bit says that
another digit follows, and the last digit is signed. From the fourth run on it is
the difference to the run before the previous one that is written.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence

import numpy as np
from pycocotools import mask as mask_utils

from mmvis.errors import UserValueError

__all__ = [
    'MAX_COORDINATE',
    'compact_polygons',
    'compress',
    'compress_runs',
    'decode_mask',
    'decode_runs',
    'first_invalid_rle',
    'mask_bbox',
    'rle_as_text',
]

MAX_COORDINATE = 1 << 16
"""Pixels from the origin at which a polygon's point is absurd."""

_MAX_CONTOUR = 1 << 24  # pixels around one polygon: pycocotools holds five points each

_FIRST, _LAST = ord('0'), ord('0') + 63
_MORE, _DIGIT = 32, 31
_MAX_DIGITS = 7  # 35 bits: the longest that 32-bit counts can need
_CHUNK = 4096  # strings checked at a time, to bound memory


def decode_runs(counts: Sequence[str | bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Decode compressed RLE strings.

    Args:
        counts (Sequence[str | bytes]): N strings.

    Returns:
        tuple[np.ndarray, np.ndarray]: The run lengths of all strings in one row,
        int64, and how many each string has, (N,).

    Raises:
        ValueError: If a string ends within a number.
    """
    codes, ends = _codes(counts)
    if len(codes) == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(len(counts), dtype=np.int64)
    is_last = codes < _MORE
    if not is_last[ends[ends > 0] - 1].all():
        raise UserValueError('An RLE string ends in the middle of a number.')
    ends_of_numbers = np.append(0, np.cumsum(is_last, dtype=np.int64))[ends]
    sizes = np.diff(ends_of_numbers, prepend=0)
    return _undo_differences(_numbers(codes, is_last), sizes), sizes


def compress_runs(runs: list[int], size: Sequence[int]) -> bytes:
    """Compress run lengths.

    Args:
        runs (list[int]): Lengths of the runs of 0 and 1 in turn, down the columns.
        size (Sequence[int]): Height and width, pixels.

    Returns:
        bytes: Compressed run lengths.

    Raises:
        ValueError: If they do not fill the mask. The message continues "<field>: ".
    """
    height, width = size
    try:
        lengths = np.fromiter(runs, dtype=np.int64, count=len(runs))
    except (OverflowError, TypeError):
        lengths = np.full(1, -1)
    total = lengths.sum()
    if total != height * width or lengths.min() < 0:
        raise UserValueError(
            f'the runs add up to {total}, expected height * width = {height} * {width} '
            f'= {height * width} and none negative.'
        )
    rle = dict(size=[height, width], counts=lengths)
    return mask_utils.frPyObjects(rle, height, width)['counts']


def compact_polygons(polygons: list[list[float]]) -> list[array]:
    """Check polygons and bring them into their smallest form.

    Points outside the image are left to pycocotools, which clips them as the
    official evaluator does.

    Args:
        polygons (list[list[float]]): Lists of x0, y0, x1, y1, ... in pixels.

    Returns:
        list[array]: The same as ``array('d')``.

    Raises:
        ValueError: If one has no three points, an odd number of coordinates, or
            coordinates that are not finite numbers near an image: pycocotools
            walks along every pixel of a contour, and crashes on NaN. The message
            continues "<field>: ".
    """
    compact = []
    for index, polygon in enumerate(polygons):
        if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
            raise UserValueError(
                f'polygon {index} is {polygon!r:.60}, expected a list x0, y0, x1, y1, '
                '... of at least three points.'
            )
        try:
            values = array('d', polygon)
        except (TypeError, OverflowError):
            values = array('d', [float('nan')])
        points = np.frombuffer(values)
        if not np.abs(points).max() <= MAX_COORDINATE:  # NaN is not
            raise UserValueError(
                f'polygon {index} is {polygon!r:.60}, expected numbers between '
                f'-{MAX_COORDINATE} and {MAX_COORDINATE}, in pixels.'
            )
        if np.ptp(points) * len(points) > _MAX_CONTOUR:
            steps = np.abs(points - np.roll(points, 2)).reshape(-1, 2).max(1)
            if steps.sum() > _MAX_CONTOUR:
                raise UserValueError(
                    f'polygon {index} has a contour of {steps.sum():.0f} pixels, '
                    f'expected at most {_MAX_CONTOUR}.'
                )
        compact.append(values)
    return compact


def compress(mask: dict | list, height: int, width: int) -> dict:
    """Convert polygons or uncompressed RLE to compressed RLE.

    Args:
        mask (dict | list): RLE of any kind, or a list of polygons.
        height (int): Height of the frame, pixels, for polygons.
        width (int): Width of the frame, pixels, for polygons.

    Returns:
        dict: ``size`` (h, w) and ``counts`` (str or bytes).

    Raises:
        ValueError: If run lengths or polygons are not valid.
    """
    if isinstance(mask, list):
        polygons = mask if isinstance(mask[0], array) else compact_polygons(mask)
        return mask_utils.merge(mask_utils.frPyObjects(polygons, height, width))
    if isinstance(mask['counts'], list):
        return dict(mask, counts=compress_runs(mask['counts'], mask['size']))
    return mask


def rle_as_text(rle: dict) -> dict:
    """Convert a compressed RLE for JSON: ``counts`` as str."""
    counts = rle['counts']
    return dict(
        size=[int(side) for side in rle['size']],
        counts=counts.decode('ascii') if isinstance(counts, bytes) else counts,
    )


def decode_mask(mask: dict | list, height: int, width: int) -> np.ndarray:
    """Decode a mask of a checked file.

    Args:
        mask (dict | list): Compressed RLE, or polygons of :func:`compact_polygons`.
        height (int): Height of the frame in pixels.
        width (int): Width of the frame in pixels.

    Returns:
        np.ndarray: Mask of 0 and 1, uint8, shape (H, W).

    Raises:
        ValueError: If an RLE is of another size. The message continues "<field> ".
    """
    if isinstance(mask, list):
        rle = mask_utils.merge(mask_utils.frPyObjects(mask, height, width))
        return mask_utils.decode(rle)
    runs, _ = decode_runs([mask['counts']])
    if list(mask['size']) != [height, width] or runs.sum() != height * width:
        raise UserValueError(
            f'has the RLE size {list(mask["size"])} and {runs.sum()} pixels, expected '
            f'[{height}, {width}]'
        )
    values = np.zeros(len(runs), dtype=np.uint8)
    values[1::2] = 1
    return np.repeat(values, runs).reshape(width, height).T


def mask_bbox(mask: np.ndarray) -> list[float]:
    """Find the tight box of a mask.

    Args:
        mask (np.ndarray): Mask of 0 and 1, shape (H, W).

    Returns:
        list[float]: [x1, y1, x2, y2] in pixels, zeros for an empty mask.

    Example:
        >>> mask_bbox(np.array([[0, 0, 0], [0, 1, 1]], dtype=np.uint8))
        [1.0, 1.0, 3.0, 2.0]
    """
    columns = np.flatnonzero(mask.any(axis=0))
    if columns.size == 0:
        return [0.0, 0.0, 0.0, 0.0]
    rows = np.flatnonzero(mask.any(axis=1))
    ends = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    return [float(end) for end in ends]


def first_invalid_rle(
    counts: Sequence[str | bytes], pixels: np.ndarray
) -> tuple[int, str] | None:
    """Find the first compressed RLE that is not a mask of its size.

    Args:
        counts (Sequence[str | bytes]): N compressed strings.
        pixels (np.ndarray): Pixels that each mask must have, shape (N,).

    Returns:
        tuple[int, str] | None: Index of the string and what is wrong with it; None
        if all are valid.
    """
    for start in range(0, len(counts), _CHUNK):
        part = slice(start, start + _CHUNK)
        problem = _first_invalid(counts[part], pixels[part])
        if problem is not None:
            return start + problem[0], problem[1]
    return None


def _codes(counts: Sequence[str | bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Join strings; return their digits, uint8, and where each string ends, (N,)."""
    lengths = np.fromiter(map(len, counts), dtype=np.int64, count=len(counts))
    text = ''.join(c if isinstance(c, str) else c.decode('latin-1') for c in counts)
    if not text.isascii():
        # One byte per character, so that the lengths hold, and one that no RLE has.
        text = re.sub('[^\0-\x7f]', '\0', text)
    joined = text.encode()
    return np.frombuffer(joined, dtype=np.uint8) - np.uint8(_FIRST), np.cumsum(lengths)


def _numbers(codes: np.ndarray, is_last: np.ndarray) -> np.ndarray:
    """Combine the digits of each number, int64."""
    last_digits = codes[is_last].view(np.int8)
    values = ((last_digits << 3) >> 3).astype(np.int64)  # five bits with sign
    is_long = ~is_last[:-1] & is_last[1:]  # the digit before the last one
    digits = np.flatnonzero(is_long)
    longer = np.flatnonzero(np.append(False, is_long)[is_last])
    while len(longer):
        values[longer] = (values[longer] << 5) | (codes[digits] & _DIGIT)
        digits -= 1
        goes_on = (digits >= 0) & ~is_last[digits]
        longer, digits = longer[goes_on], digits[goes_on]
    return values


def _undo_differences(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Add up the differences along the even and the odd runs of each string."""
    runs = np.empty_like(values)
    ends = np.cumsum(sizes)
    starts = ends - sizes
    for parity in range(2):
        # The values at even (odd) places of the row: of each string the even or the
        # odd runs. Even runs add up from run 2 on, so that run 0 is taken off too.
        sums = np.append(0, np.cumsum(values[parity::2]))
        first, last = (starts + 1 - parity) // 2, (ends + 1 - parity) // 2
        has_run_0 = (starts % 2 == parity) & (sizes > 0)
        before = sums[first + has_run_0]
        runs[parity::2] = sums[1:] - np.repeat(before, last - first)
    firsts = starts[sizes > 0]
    runs[firsts] = values[firsts]
    return runs


def _first_invalid(
    counts: Sequence[str | bytes], pixels: np.ndarray
) -> tuple[int, str] | None:
    """Do the work of :func:`first_invalid_rle` for one chunk."""
    codes, ends = _codes(counts)
    lengths = np.diff(ends, prepend=0)
    if (lengths == 0).any():
        return int(np.argmin(lengths)), 'is empty'
    is_bad = codes > _LAST - _FIRST
    if is_bad.any():
        place = int(np.argmax(is_bad))
        index = int(np.searchsorted(ends, place, side='right'))
        start = place - int(ends[index] - lengths[index])
        char = counts[index][start : start + 1]
        return index, f'has the character {char!r}, which RLE does not use'
    is_cut = codes[ends - 1] >= _MORE
    if is_cut.any():
        return int(np.argmax(is_cut)), 'ends in the middle of a number'
    number_ends = np.flatnonzero(codes < _MORE)
    is_long = np.diff(number_ends, prepend=-1) > _MAX_DIGITS
    if is_long.any():
        place = number_ends[np.argmax(is_long)]
        index = int(np.searchsorted(ends, place, side='right'))
        return index, 'has a number of more than 32 bits'
    runs, sizes = decode_runs(counts)
    owner = np.repeat(np.arange(len(counts)), sizes)
    if (runs < 0).any():
        return int(owner[np.argmax(runs < 0)]), 'has a negative run length'
    totals = np.bincount(owner, weights=runs, minlength=len(counts))
    is_wrong = totals != pixels
    if is_wrong.any():
        index = int(np.argmax(is_wrong))
        return index, f'describes {totals[index]:.0f} pixels instead of {pixels[index]}'
    return None
