"""Runs of compressed RLE: decoding of many masks at a time, and their check.

Compressed RLE is that of the COCO API: each run length is written in digits of five
bits, least significant first, as characters from '0' on; a further bit says that
another digit follows, and the last digit is signed. From the fourth run on it is
the difference to the run before the previous one that is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

import numpy as np

__all__ = [
    'ForegroundRuns',
    'cache_sized_parts',
    'first_invalid_rle',
    'first_problem',
    'foreground_runs',
]

_FIRST, _LAST = ord('0'), ord('0') + 63
_MORE, _SIGN, _DIGIT, _BITS = 32, 16, 31, 5
_MAX_DIGITS = 7  # 35 bits: the longest that 32-bit counts can need
_AT_ONCE = 1 << 17  # characters that are decoded at a time, to stay in the cache
# A first sum that leaves the mask is still a number of 32 bits: see `foreground_runs`.
_MAX_INT32 = 1 << 29


class ForegroundRuns(NamedTuple):
    """Runs of foreground of N masks, in one row.

    Attributes:
        starts (np.ndarray): First pixel of each run, counted down the columns of its
            mask.
        stops (np.ndarray): The pixel after its last one.
        sizes (np.ndarray): Number of runs of each mask, shape (N,).
    """

    starts: np.ndarray
    stops: np.ndarray
    sizes: np.ndarray


def foreground_runs(
    counts: Sequence[str | bytes], pixels: np.ndarray
) -> ForegroundRuns | None:
    """Decode compressed RLE strings and check them in the same pass.

    Numbers have 32 bits where masks are small, and sums over all masks may overflow.
    What is wrong is seen nevertheless: sums within a mask are differences of those, and
    the first one that leaves the mask is by at most its size out of range.

    Args:
        counts (Sequence[str | bytes]): N compressed strings.
        pixels (np.ndarray): Pixels that each mask must have, shape (N,).

    Returns:
        ForegroundRuns | None: None if a string is not a mask of its size, see
        :func:`first_problem`.
    """
    codes, lengths = _codes(counts)
    if len(codes) == 0:
        nothing = np.zeros(0, dtype=np.int64)
        return None if counts else ForegroundRuns(nothing, nothing, nothing)
    max_pixels = int(pixels.max())
    ends = np.cumsum(lengths)
    is_last = codes < _MORE
    if codes.max() > _LAST - _FIRST or not lengths.all() or not is_last[ends - 1].all():
        return None
    more = np.flatnonzero(~is_last)  # digits that another one follows
    numbers = _numbers(codes, more, max_pixels)
    if numbers is None:
        return None
    # Background and the foreground after it are a pair. If background comes last, too,
    # it is in no pair.
    more_before = np.searchsorted(more, ends)
    num_runs = lengths - more_before
    num_runs[1:] += more_before[:-1]
    ends_alone = num_runs % 2 == 1
    tails = np.where(ends_alone, numbers[ends - 1], 0)
    is_last[ends[ends_alone] - 1] = False
    pairs = numbers[is_last]
    sizes = num_runs // 2
    firsts = np.cumsum(sizes) - sizes

    def sum_up(steps: np.ndarray) -> np.ndarray:
        """Sums of the steps from the first pair of each mask on."""
        sums = np.zeros(len(steps) + 1, dtype=steps.dtype)
        np.cumsum(steps, out=sums[1:])
        return sums[1:] - np.repeat(sums[firsts], sizes)

    has_pair = sizes > 0
    heads, lasts = firsts[has_pair], (firsts + sizes - 1)[has_pair]
    filled = sum_up(pairs[1::2])
    steps = pairs[0::2]
    first_runs = steps[heads]
    steps[heads] = 0  # the second run of background is no difference to the first one
    empty = sum_up(steps)
    tails[has_pair] += np.where(ends_alone[has_pair], empty[lasts], 0)
    # pycocotools merges masks wrongly, or beyond its memory, if one has an empty run
    # that is not the first one; the first runs are 0 here.
    is_full = np.count_nonzero(empty) == len(empty) - len(heads)
    if not (is_full and filled.all() and tails[ends_alone & has_pair].all()):
        return None
    empty[heads] = first_runs
    stops = sum_up(empty + filled)
    totals = tails.astype(np.int64)
    totals[has_pair] += stops[lasts]
    unsigned = numbers.dtype.str.replace('i', 'u')  # in which what is negative is large
    for runs in (filled, empty, stops, tails):
        if runs.view(unsigned).max(initial=0) > max_pixels:
            return None
    if (totals != pixels).any():
        return None
    return ForegroundRuns(stops - filled, stops, sizes)


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
    for part in cache_sized_parts(counts):
        if foreground_runs(counts[part], pixels[part]) is None:
            index, problem = first_problem(counts[part], pixels[part])
            return part.start + index, problem
    return None


def cache_sized_parts(counts: Sequence[str | bytes]) -> Iterator[slice]:
    """Split strings so that those of a part are decoded within the cache.

    Args:
        counts (Sequence[str | bytes]): N compressed strings.

    Yields:
        slice: At least one string of them, in order.
    """
    ends = np.cumsum(np.fromiter(map(len, counts), dtype=np.int64, count=len(counts)))
    start = 0
    while start < len(counts):
        limit = (ends[start - 1] if start else 0) + _AT_ONCE
        stop = max(int(np.searchsorted(ends, limit)), start + 1)
        yield slice(start, stop)
        start = stop


def first_problem(counts: Sequence[str | bytes], pixels: np.ndarray) -> tuple[int, str]:
    """Find the first invalid one of strings that :func:`foreground_runs` refused.

    Args:
        counts (Sequence[str | bytes]): N compressed strings.
        pixels (np.ndarray): Pixels that each mask must have, shape (N,).

    Returns:
        tuple[int, str]: Index of the string and what is wrong with it.
    """
    start, stop = 0, len(counts)
    while stop - start > 1:
        middle = (start + stop) // 2
        if foreground_runs(counts[start:middle], pixels[start:middle]) is None:
            stop = middle
        else:
            start = middle
    return start, _problem(counts[start], int(pixels[start]))


def _problem(text: str | bytes, pixels: int) -> str:
    """Tell what is wrong with a string."""
    if not text:
        return 'is empty'
    runs: list[int] = []
    number = shift = 0
    for place, code in enumerate(_codes([text])[0].tolist()):
        if code > _LAST - _FIRST:
            char = text[place : place + 1]
            return f'has the character {char!r}, which RLE does not use'
        number |= (code & _DIGIT) << shift
        shift += _BITS
        if shift > _MAX_DIGITS * _BITS:
            return 'has a number of more than 32 bits'
        if code < _MORE:
            number -= (code & _SIGN) << (shift - _BITS + 1)
            runs.append(number + (runs[-2] if len(runs) > 2 else 0))
            number = shift = 0
    if shift:
        return 'ends in the middle of a number'
    if min(runs) < 0:
        return 'has a negative run length'
    if sum(runs) != pixels:
        return f'describes {sum(runs)} pixels instead of {pixels}'
    return 'has an empty run that is not the first one'


def _codes(counts: Sequence[str | bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Join strings; return their digits, uint8, and how many each has, (N,)."""
    lengths = np.fromiter(map(len, counts), dtype=np.int64, count=len(counts))
    kinds = set(map(type, counts))
    if kinds == {bytes}:
        joined = b''.join(cast(Sequence[bytes], counts))
    else:
        if kinds != {str}:
            counts = [c if isinstance(c, str) else c.decode('latin-1') for c in counts]
        text = ''.join(cast(Sequence[str], counts))
        if not text.isascii():
            # One byte per character, so that the lengths hold, and one no RLE has.
            text = re.sub('[^\0-\x7f]', '\0', text)
        joined = text.encode()
    return np.frombuffer(joined, dtype=np.uint8) - np.uint8(_FIRST), lengths


def _numbers(codes: np.ndarray, more: np.ndarray, max_pixels: int) -> np.ndarray | None:
    """Combine digits to numbers.

    Args:
        codes (np.ndarray): All digits, shape (D,).
        more (np.ndarray): Where another digit follows, ascending.
        max_pixels (int): No number of a mask is farther from 0.

    Returns:
        np.ndarray | None: Shape (D,), at the last digit of each number its value; None
        if one has too many digits or is too large.
    """
    dtype = np.int32 if max_pixels < _MAX_INT32 else np.int64
    numbers = ((codes << 3).view(np.int8) >> 3).astype(dtype)  # five bits with sign
    if len(more) == 0:
        return numbers
    is_head = np.ones(len(more), dtype=bool)  # the first digit of a number
    np.greater(more[1:], more[:-1] + 1, out=is_head[1:])
    heads = np.flatnonzero(is_head)
    num_more = np.append(heads[1:], len(more)) - heads
    if num_more.max() >= _MAX_DIGITS:
        return None
    firsts = more[heads]
    digits = (codes[more] & _DIGIT).astype(np.int64)
    shifts = _BITS * (more - np.repeat(firsts, num_more))
    values = np.add.reduceat(digits << shifts, heads)
    lasts = firsts + num_more
    values += numbers[lasts].astype(np.int64) << (_BITS * num_more)
    if np.abs(values).max() > max_pixels:
        return None
    numbers[lasts] = values
    return numbers
