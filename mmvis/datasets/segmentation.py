"""Masks as they are written in annotation files: RLE and polygons."""

from array import array
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from mmvis.errors import UserValueError

__all__ = [
    'compact_segmentation',
    'decode_segmentation',
    'mask_bbox',
    'rle_runs',
]


def rle_runs(counts: bytes) -> np.ndarray | None:
    """Read the run lengths of a compressed RLE.

    The characters hold 5 bits each, lowest first; bit 6 says that the number
    goes on. From the fourth run on, a number is the difference to the run before
    the last (pycocotools, ``rleToString``).

    Args:
        counts (bytes): Compressed run lengths.

    Returns:
        np.ndarray | None: Lengths of the runs of 0 and 1 in turn, down the columns,
        int64; None where the string breaks off within a number.
    """
    codes = np.frombuffer(counts, dtype=np.uint8).astype(np.int64) - 48
    last = np.flatnonzero(codes < 0x20)
    if codes.size == 0 or last.size == 0 or last[-1] != codes.size - 1:
        return None if codes.size else codes
    starts = np.empty_like(last)
    starts[0], starts[1:] = 0, last[:-1] + 1
    lengths = last - starts + 1
    place = np.arange(codes.size) - np.repeat(starts, lengths)
    runs = np.add.reduceat((codes & 0x1F) << (5 * place), starts)
    runs -= ((codes[last] & 0x10) != 0) * (np.int64(1) << (5 * lengths))
    # The first run stands alone; the others form two chains of differences.
    np.cumsum(runs[1::2], out=runs[1::2])
    np.cumsum(runs[2::2], out=runs[2::2])
    return runs


def _is_list_of_ints(values: Any) -> bool:
    return isinstance(values, list) and set(map(type, values)) <= {int}


def _compact_rle(segmentation: dict) -> dict:
    missing = {'size', 'counts'} - segmentation.keys()
    if missing:
        raise UserValueError(f'is an RLE without {sorted(missing)}')
    size, counts = segmentation['size'], segmentation['counts']
    if not _is_list_of_ints(size) or len(size) != 2:
        raise UserValueError(f'has the RLE size {size!r:.40}, expected [height, width]')
    height, width = size
    if isinstance(counts, str):
        return dict(size=[height, width], counts=counts.encode())
    if not _is_list_of_ints(counts):
        raise UserValueError(
            'has RLE counts that are neither a string nor a list of ints'
        )
    if sum(counts) != height * width or min(counts, default=0) < 0:
        raise UserValueError(
            f'has RLE counts that sum to {sum(counts)}, expected {height} * {width} '
            f'= {height * width} pixels'
        )
    return mask_utils.frPyObjects(segmentation, height, width)


def compact_segmentation(segmentation: Any) -> dict | list | None:
    """Bring one frame's segmentation of a JSON file into its smallest form.

    Args:
        segmentation (dict | list | None): RLE with ``counts`` as list of ints or
            compressed string, list of polygons ``[x0, y0, x1, y1, ...]`` in
            pixels, or None where the object is not seen.

    Returns:
        dict | list | None: Compressed RLE with ``size`` (h, w) and ``counts``
        (bytes), list of polygons as ``array('d')``, or None.

    Raises:
        ValueError: If it is none of these, or if the run lengths do not fill the
            RLE's own size. The message continues "<field> ...".
    """
    if segmentation is None or segmentation == []:
        return None
    if isinstance(segmentation, dict):
        return _compact_rle(segmentation)
    if not isinstance(segmentation, list):
        raise UserValueError(
            f'is a {type(segmentation).__name__}, expected RLE, list of polygons or '
            'null'
        )
    for polygon in segmentation:
        if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
            raise UserValueError(
                'holds a polygon that is not a list of at least three x, y pairs'
            )
    return [array('d', polygon) for polygon in segmentation]


def decode_segmentation(
    segmentation: dict | list, height: int, width: int
) -> np.ndarray:
    """Decode what :func:`compact_segmentation` made.

    Args:
        segmentation (dict | list): Compressed RLE or list of polygons.
        height (int): Height of the frame in pixels.
        width (int): Width of the frame in pixels.

    Returns:
        np.ndarray: Mask of 0 and 1, uint8, shape (H, W).

    Raises:
        ValueError: If an RLE does not describe height x width pixels. The message
            continues "<field> ...".
    """
    if isinstance(segmentation, list):
        rle = mask_utils.merge(mask_utils.frPyObjects(segmentation, height, width))
        return mask_utils.decode(rle)
    if list(segmentation['size']) != [height, width]:
        raise UserValueError(
            f"has the RLE size {list(segmentation['size'])}, expected the frame's "
            f'[{height}, {width}]'
        )
    runs = rle_runs(segmentation['counts'])
    if runs is None or runs.min(initial=0) < 0:
        raise UserValueError('has RLE counts that are no compressed run lengths')
    if runs.sum() != height * width:
        raise UserValueError(
            f'has RLE counts that sum to {runs.sum()}, expected {height} * {width} = '
            f'{height * width} pixels'
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
