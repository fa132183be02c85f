"""Exact rasterisation of polygons."""

from __future__ import annotations

from functools import reduce

import numpy as np

#: Samples per pixel along each axis; a pixel's coverage counts to its square.
_SAMPLES = 4
FULL_COVERAGE = _SAMPLES * _SAMPLES


def rasterise(
    rings: list[np.ndarray], height: int, width: int
) -> tuple[np.ndarray, tuple[int, int]] | None:
    """Count the samples of each pixel that lie inside a polygon (even-odd rule).

    Every ring edge switches the samples right of it on each sample row that it
    crosses; the switches are counted and summed from left to right.

    Args:
        rings (list[np.ndarray]): Closed rings of points (x, y) in pixels, each of
            shape (P, 2), float64.
        height (int): Height of the frame in pixels.
        width (int): Width of the frame in pixels.

    Returns:
        tuple[np.ndarray, tuple[int, int]] | None: The coverage, 0 to
        `FULL_COVERAGE`, uint8, of shape (h, w), the part of the frame that holds
        the polygon's bounding box; and the (x, y) of its first pixel. None if the
        box lies outside the frame.
    """
    points = np.concatenate(rings)
    left, top = np.floor(points.min(axis=0)).astype(np.int64).tolist()
    right, bottom = np.ceil(points.max(axis=0)).astype(np.int64).tolist()
    left, top = max(left, 0), max(top, 0)
    right, bottom = min(right, width), min(bottom, height)
    if left >= right or top >= bottom:
        return None

    begin = np.concatenate(rings)
    end = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    num_rows, num_cols = (bottom - top) * _SAMPLES, (right - left) * _SAMPLES
    rows = top + (np.arange(num_rows) + 0.5) / _SAMPLES
    above = begin[:, 1, None] <= rows  # (P, rows)
    crosses = above != (end[:, 1, None] <= rows)
    edge, row = np.nonzero(crosses)
    x0, y0 = begin[edge, 0], begin[edge, 1]
    x1, y1 = end[edge, 0], end[edge, 1]
    x = x0 + (rows[row] - y0) * (x1 - x0) / (y1 - y0)

    first = np.ceil((x - left) * _SAMPLES - 0.5).astype(np.int64)
    first = np.minimum(np.maximum(first, 0), num_cols)
    switches = np.bincount(
        row * (num_cols + 1) + first, minlength=num_rows * (num_cols + 1)
    )
    switches = switches.reshape(num_rows, num_cols + 1)[:, :-1].astype(np.uint8)
    inside = np.bitwise_xor.accumulate(switches & 1, axis=1)
    by_row = reduce(np.add, (inside[i::_SAMPLES] for i in range(_SAMPLES)))
    coverage = reduce(np.add, (by_row[:, i::_SAMPLES] for i in range(_SAMPLES)))
    return coverage.astype(np.uint8), (left, top)
