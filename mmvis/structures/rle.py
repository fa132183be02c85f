"""Masks of annotation and results files: RLE and polygons."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
from pycocotools import mask as mask_utils

from mmvis.errors import UserValueError
from mmvis.structures.rle_runs import first_problem, foreground_runs

__all__ = [
    'MAX_COORDINATE',
    'compact_polygons',
    'compress',
    'compress_runs',
    'decode_mask',
    'mask_bbox',
    'rle_as_text',
]

MAX_COORDINATE = 1 << 16
"""Pixels from the origin at which a polygon's point is absurd."""

_MAX_CONTOUR = 1 << 24  # pixels around one polygon: pycocotools holds five points each


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
    rle = dict(size=[height, width], counts=_without_empty_runs(lengths))
    return mask_utils.frPyObjects(rle, height, width)['counts']


def _without_empty_runs(lengths: np.ndarray) -> np.ndarray:
    """Join the runs on both sides of empty ones, which pycocotools does not expect."""
    if lengths[1:].all():
        return lengths
    values = np.flatnonzero(lengths) % 2
    ends = np.cumsum(lengths)[lengths > 0]
    is_end = np.append(values[1:] != values[:-1], True)
    joined = np.diff(ends[is_end], prepend=0)
    return np.append(0, joined) if values[0] else joined


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
        ValueError: If an RLE is of another size or not valid. The message continues
            "<field> ".
    """
    if isinstance(mask, list):
        rle = mask_utils.merge(mask_utils.frPyObjects(mask, height, width))
        return mask_utils.decode(rle)
    if list(mask['size']) != [height, width]:
        raise UserValueError(
            f'has the RLE size {list(mask["size"])}, expected [{height}, {width}]'
        )
    pixels = np.array([height * width])
    runs = foreground_runs([mask['counts']], pixels)
    if runs is None:
        _, problem = first_problem([mask['counts']], pixels)
        raise UserValueError(f'has an RLE that {problem}')
    edges = np.stack([runs.starts, runs.stops], axis=1).ravel()
    lengths = np.diff(edges, prepend=0, append=pixels)
    values = np.zeros(len(lengths), dtype=np.uint8)
    values[1::2] = 1
    return np.repeat(values, lengths).reshape(width, height).T


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
