"""Run lengths of many compressed RLE strings at once."""

from __future__ import annotations

import numpy as np

__all__ = ['first_invalid_rle']

_FIRST, _LAST = ord('0'), ord('0') + 63
_MORE, _SIGN = 32, 16
_MAX_DIGITS = 7  # 35 bits: the longest that 32-bit counts can need
_CHUNK = 8192  # strings decoded at a time, to bound memory


def first_invalid_rle(counts: list[str | bytes], sizes: np.ndarray) -> tuple | None:
    """Find the first compressed RLE that is not a mask of its size.

    The format is that of the COCO API: each run length is written in groups of
    five bits, least significant first, as characters from '0' on; from the
    fourth run on as the difference to the run before the previous one.

    Args:
        counts (list[str | bytes]): N compressed strings.
        sizes (np.ndarray): Pixels that each mask must have, shape (N,).

    Returns:
        tuple | None: Index of the string and what is wrong with it; None if all
        are valid.
    """
    for start in range(0, len(counts), _CHUNK):
        part = slice(start, start + _CHUNK)
        problem = _first_invalid(counts[part], sizes[part])
        if problem is not None:
            return start + problem[0], problem[1]
    return None


def _first_invalid(counts: list[str | bytes], sizes: np.ndarray) -> tuple | None:
    """Do the work of :func:`first_invalid_rle` for one chunk."""
    strings = [
        string.encode('latin-1', 'replace') if isinstance(string, str) else string
        for string in counts
    ]
    lengths = np.array([len(string) for string in strings], dtype=np.int64)
    if (lengths == 0).any():
        return int(np.argmin(lengths)), 'is empty'
    codes = np.frombuffer(b''.join(strings), dtype=np.uint8)
    ends = np.cumsum(lengths)
    is_bad = (codes < _FIRST) | (codes > _LAST)
    if is_bad.any():
        place = int(np.argmax(is_bad))
        index = int(np.searchsorted(ends, place, side='right'))
        return index, f'has the character {chr(codes[place])!r}, which RLE does not use'
    codes = codes - _FIRST
    is_last = (codes & _MORE) == 0
    is_cut = ~is_last[ends - 1]
    if is_cut.any():
        return int(np.argmax(is_cut)), 'ends in the middle of a number'
    number_ends = np.flatnonzero(is_last)
    is_long = np.diff(number_ends, prepend=-1) > _MAX_DIGITS
    if is_long.any():
        place = number_ends[np.argmax(is_long)]
        index = int(np.searchsorted(ends, place, side='right'))
        return index, 'has a number of more than 32 bits'
    runs, owner = _run_lengths(codes, number_ends, ends)
    is_negative = runs < 0
    if is_negative.any():
        return int(owner[np.argmax(is_negative)]), 'has a negative run length'
    totals = np.bincount(owner, weights=runs, minlength=len(strings))
    is_wrong = totals != sizes
    if is_wrong.any():
        index = int(np.argmax(is_wrong))
        return index, f'describes {totals[index]:.0f} pixels instead of {sizes[index]}'
    return None


def _run_lengths(
    codes: np.ndarray, number_ends: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Decode all runs; return them and the string that each belongs to."""
    number_starts = np.append(0, number_ends[:-1] + 1)
    place = np.arange(len(codes)) - np.repeat(
        number_starts, number_ends - number_starts + 1
    )
    digits = (codes & (_MORE - 1)).astype(np.int64) << 5 * place
    values = np.add.reduceat(digits, number_starts)
    is_negative = (codes[number_ends] & _SIGN) != 0
    values -= is_negative.astype(np.int64) << 5 * (place[number_ends] + 1)
    owner = np.searchsorted(ends, number_ends, side='right')
    starts = np.searchsorted(owner, np.arange(len(ends)))
    return _undo_differences(values, owner, starts), owner


def _undo_differences(
    values: np.ndarray, owner: np.ndarray, starts: np.ndarray
) -> np.ndarray:
    """Add up the differences along the even and the odd runs of each string."""
    sums = np.zeros(len(values) + 2, dtype=np.int64)
    sums[2::2] = np.cumsum(values[0::2])
    sums[3::2] = np.cumsum(values[1::2])
    # sums[i + 2] is the sum of values[i], values[i - 2], ... of all strings so far.
    position = np.arange(len(values)) - starts[owner]
    # The first run stands alone; the others of its parity start anew at the third.
    first_of_chain = np.where(position % 2 == 1, 1, np.where(position == 0, 0, 2))
    return sums[2:] - sums[starts[owner] + first_of_chain]
