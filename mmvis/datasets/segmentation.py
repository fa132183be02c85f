"""Masks as they are written in annotation files: RLE and polygons."""

from array import array
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

__all__ = [
    'compact_segmentation',
    'decode_segmentation',
    'mask_bbox',
    'rle_num_pixels',
]


def rle_num_pixels(counts: bytes) -> int:
    """Count the pixels that a compressed RLE describes, set or not.

    The characters hold 5 bits each, lowest first; bit 6 says that the number
    goes on. From the third run on, a number is the difference to the run before
    the last (pycocotools, ``rleToString``).

    Args:
        counts (bytes): Compressed run lengths.

    Returns:
        int: The sum of the run lengths, height * width of a sound RLE; -1 where
        the string breaks off within a number.
    """
    codes = np.frombuffer(counts, dtype=np.uint8).astype(np.int64) - 48
    if codes.size == 0:
        return 0
    is_last = (codes & 0x20) == 0
    if not is_last[-1]:
        return -1
    starts = np.flatnonzero(np.concatenate(([True], is_last[:-1])))
    lengths = np.diff(np.append(starts, codes.size))
    place = np.arange(codes.size) - np.repeat(starts, lengths)
    numbers = np.add.reduceat((codes & 0x1F) << (5 * place), starts)
    is_negative = (codes[is_last] & 0x10) != 0
    numbers -= np.where(is_negative, np.int64(1) << (5 * lengths), 0)
    # The first run stands alone; the others form two chains of differences.
    odd = np.cumsum(numbers[1::2]).sum()
    even = np.cumsum(numbers[2::2]).sum()
    return int(numbers[0] + odd + even)


def _compact_rle(segmentation: dict) -> dict:
    missing = {'size', 'counts'} - segmentation.keys()
    if missing:
        raise ValueError(f'is an RLE without {sorted(missing)}')
    size, counts = segmentation['size'], segmentation['counts']
    if len(size) != 2:
        raise ValueError(f'has the RLE size {size}, expected [height, width]')
    height, width = size
    if isinstance(counts, str):
        return dict(size=[height, width], counts=counts.encode())
    if sum(counts) != height * width or min(counts, default=0) < 0:
        raise ValueError(
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
        raise ValueError(
            f'is a {type(segmentation).__name__}, expected RLE, list of polygons or '
            'null'
        )
    for polygon in segmentation:
        if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
            raise ValueError(
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
        raise ValueError(
            f"has the RLE size {list(segmentation['size'])}, expected the frame's "
            f'[{height}, {width}]'
        )
    num_pixels = rle_num_pixels(segmentation['counts'])
    if num_pixels != height * width:
        found = 'end within a number' if num_pixels < 0 else f'sum to {num_pixels}'
        raise ValueError(
            f'has RLE counts that {found}, expected {height} * {width} = '
            f'{height * width} pixels'
        )
    return mask_utils.decode(segmentation)


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
