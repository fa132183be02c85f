"""Rotation and splines from exactly rounded operations only.

IEEE 754 fixes the result of ``+ - * /`` to the last bit, but not that of a C
library's sine: what decides a pixel of ShapesVIS is computed here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

_TWO_PI = 6.283185307179586


def unit_vector(turns: float) -> tuple[float, float]:
    """Cosine and sine of an angle, by their Taylor series around a quarter turn.

    Args:
        turns (float): Angle in full turns, any real number.

    Returns:
        tuple[float, float]: Cosine and sine, exact to about 1e-13.
    """
    quarter = math.floor(4.0 * turns + 0.5)
    x = (turns - quarter / 4.0) * _TWO_PI
    square = x * x
    cosine, sine = 0.0, 0.0
    for order in range(12, -1, -2):
        cosine = 1.0 - cosine * square / ((order + 1) * (order + 2))
        sine = 1.0 - sine * square / ((order + 2) * (order + 3))
    sine *= x
    for _ in range(quarter % 4):
        cosine, sine = -sine, cosine
    return cosine, sine


def catmull_rom(knots: Sequence[float], position: float) -> float:
    """Value of the Catmull-Rom spline through equally spaced knots.

    Args:
        knots (Sequence[float]): Values at positions 0, 1, 2, ...; at least two.
        position (float): Where to evaluate, from 0 to ``len(knots) - 1``.

    Returns:
        float: The spline's value; the end knots are repeated beyond the ends.
    """
    index = min(int(position), len(knots) - 2)
    t = position - index
    before = knots[max(index - 1, 0)]
    start, end = knots[index], knots[index + 1]
    after = knots[min(index + 2, len(knots) - 1)]
    slope, curve = end - before, 2.0 * before - 5.0 * start + 4.0 * end - after
    jerk = 3.0 * (start - end) + after - before
    return start + 0.5 * t * (slope + t * (curve + t * jerk))


def rotate(points: np.ndarray, turns: float) -> np.ndarray:
    """Rotate points around the origin.

    Args:
        points (np.ndarray): x and y, shape (P, 2), float64.
        turns (float): Angle in full turns; positive turns x towards y.

    Returns:
        np.ndarray: The rotated points, shape (P, 2).
    """
    cosine, sine = unit_vector(turns)
    x, y = points[:, 0], points[:, 1]
    return np.stack([x * cosine - y * sine, x * sine + y * cosine], axis=1)
