"""Contours of the categories of ShapesVIS."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .exact_math import unit_vector

#: Corners of the outlines are joined by points at most this far apart, so that
#: straight edges can bend when the shape deforms (unit radii).
_POINT_SPACING = 0.25


def _subdivide(corners: list[tuple[float, float]]) -> np.ndarray:
    """Put points on the edges of a closed polygon; shape (P, 2), float64."""
    points = []
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1]):
        length = max(abs(x1 - x0), abs(y1 - y0))
        num = int(length / _POINT_SPACING) + 1
        points += [
            (x0 + (x1 - x0) * i / num, y0 + (y1 - y0) * i / num) for i in range(num)
        ]
    return np.array(points, dtype=np.float64)


def _circle(radius: float, num_points: int = 32) -> np.ndarray:
    points = [unit_vector(i / num_points) for i in range(num_points)]
    return np.array(points, dtype=np.float64) * radius


def _disc() -> list[np.ndarray]:
    return [_circle(0.95)]


def _box() -> list[np.ndarray]:
    return [_subdivide([(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)])]


def _triangle() -> list[np.ndarray]:
    corners = [unit_vector(i / 3) for i in range(3)]
    return [_subdivide([(1.15 * x, 1.15 * y) for x, y in corners])]


def _ring() -> list[np.ndarray]:
    return [_circle(1.0), _circle(0.48, 24)]


def _cross() -> list[np.ndarray]:
    a, b = 0.38, 1.0
    quadrant = [(b, -a), (b, a), (a, a)]
    corners = []
    for _ in range(4):
        corners += quadrant
        quadrant = [(-y, x) for x, y in quadrant]
    return [_subdivide(corners)]


#: Category name -> maker of its rings; the rings after the first are holes.
SHAPES: dict[str, Callable[[], list[np.ndarray]]] = {
    'disc': _disc,
    'box': _box,
    'triangle': _triangle,
    'ring': _ring,
    'cross': _cross,
}

#: The categories in the order of their ids, which start at 1.
CATEGORIES = tuple(SHAPES)


def contour(category: str) -> list[np.ndarray]:
    """Make the undeformed outline of a category.

    Args:
        category (str): One of `CATEGORIES`.

    Returns:
        list[np.ndarray]: Closed rings of points (x, y), each of shape (P, 2) and
        float64, in unit radii; inside is where an odd number of them goes round.
    """
    return SHAPES[category]()
