"""Run lengths of many compressed RLE strings at once.

The format is that of the COCO API: each run length is written in digits of five
bits, least significant first, as characters from '0' on; a further bit says that
another digit follows, and the last digit is signed. From the fourth run on it is
the difference to the run before the previous one that is written.
"""

from __future__ import annotations

import numpy as np

from mmvis.errors import UserValueError

__all__ = ['decode_runs', 'first_invalid_rle']

_FIRST, _LAST = ord('0'), ord('0') + 63
_MORE, _DIGIT = 32, 31
_MAX_DIGITS = 7  # 35 bits: the longest that 32-bit counts can need
_CHUNK = 4096  # strings checked at a time, to bound memory


def decode_runs(counts: list[str | bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Decode compressed RLE strings.

    Args:
        counts (list[str | bytes]): N strings.

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


def first_invalid_rle(
    counts: list[str | bytes], pixels: np.ndarray
) -> tuple[int, str] | None:
    """Find the first compressed RLE that is not a mask of its size.

    Args:
        counts (list[str | bytes]): N compressed strings.
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


def _codes(counts: list[str | bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Join strings; return their digits, uint8, and where each string ends, (N,)."""
    lengths = np.fromiter(map(len, counts), dtype=np.int64, count=len(counts))
    if set(map(type, counts)) == {str}:
        # One byte per character, whatever it is, so that the lengths hold.
        joined = ''.join(counts).encode('latin-1', 'replace')
    else:
        joined = b''.join(
            c.encode('latin-1', 'replace') if isinstance(c, str) else c for c in counts
        )
    return np.frombuffer(joined, dtype=np.uint8) - np.uint8(_FIRST), np.cumsum(lengths)


def _numbers(codes: np.ndarray, is_last: np.ndarray) -> np.ndarray:
    """Put the digits of each number together, int64."""
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
    counts: list[str | bytes], pixels: np.ndarray
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
