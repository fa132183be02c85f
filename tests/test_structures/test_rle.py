import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmvis.structures.rle import (
    compact_polygons,
    compress,
    compress_runs,
    decode_mask,
    mask_bbox,
)
from mmvis.testing import rle_of


def random_mask(seed, size=(7, 11), density=0.4):
    return (np.random.default_rng(seed).random(size) < density).astype(np.uint8)


@pytest.mark.parametrize('compressed', [True, False])
@pytest.mark.parametrize('density', [0.0, 0.02, 0.4, 1.0])
def test_rle_round_trip(compressed, density):
    mask = random_mask(0, density=density)
    rle = compress(rle_of(mask, compressed), 7, 11)
    assert rle['counts'] in (rle_of(mask)['counts'], rle_of(mask)['counts'].encode())
    np.testing.assert_array_equal(decode_mask(rle, 7, 11), mask)


@pytest.mark.parametrize('seed', range(5))
def test_decoding_equals_pycocotools(seed):
    mask = cv2.GaussianBlur(random_mask(seed, (60, 90)) * 255, (15, 15), 0) > 100
    rle = rle_of(mask)
    decoded = decode_mask(rle, 60, 90)
    assert decoded.dtype == np.uint8
    assert 0 < decoded.mean() < 1
    np.testing.assert_array_equal(decoded, mask_utils.decode(rle))


@pytest.mark.parametrize(
    'polygons',
    [
        [[1.0, 1.0, 6.0, 1.0, 6.0, 4.0, 1.0, 4.0], [7, 2, 9, 2, 9, 6]],
        [[-30, -20, 400, 3, 5, 60000]],
    ],
)
def test_polygons_are_drawn_and_clipped_as_pycocotools_does(polygons):
    rles = mask_utils.frPyObjects(polygons, 7, 11)
    expected = mask_utils.decode(mask_utils.merge(rles))
    compact = compact_polygons(polygons)
    np.testing.assert_array_equal(decode_mask(compact, 7, 11), expected)
    for mask in (polygons, compact):
        rle = compress(mask, 7, 11)
        np.testing.assert_array_equal(decode_mask(rle, 7, 11), expected)
    assert expected.sum() > 15


@pytest.mark.parametrize(
    ('polygon', 'message'),
    [
        ([1, 2, 3, 4], 'expected a list x0, y0, x1, y1, ... of at least three points'),
        ([], 'at least three points'),
        ([1, 2, 3, 4, 5, 6, 7], 'at least three points'),
        (5, 'at least three points'),
        ([1, 2, float('nan'), 4, 5, 6], 'expected numbers between -65536 and 65536'),
        ([1, 2, float('inf'), 4, 5, 6], 'expected numbers'),
        ([1, 2, 2e8, 4, 5, 6], 'expected numbers'),
        ([1, 2, 10**400, 4, 5, 6], 'expected numbers'),
        ([1, 2, None, 4, 5, 6], 'expected numbers'),
        (['1', '2', '3', '4', '5', '6'], 'expected numbers'),
        ([[1, 2], [3, 4], [5, 6], [7, 8], [1, 2], [3, 4]], 'expected numbers'),
        ([0, 0, 60000, 60000] * 500, 'a contour of 60000000 pixels, expected at most'),
    ],
)
def test_polygons_that_would_crash_pycocotools_are_refused(polygon, message):
    good = [0, 0, 5, 0, 5, 5]
    with pytest.raises(ValueError, match=f'polygon 1 .*{message}'):
        compact_polygons([good, polygon])


@pytest.mark.parametrize('runs', [[2, 3], [-1, 7], [7, -1], [2**70], [None], [3, 4]])
def test_runs_that_do_not_fill_the_mask_are_refused(runs):
    with pytest.raises(ValueError, match=r'expected height \* width = 2 \* 3 = 6'):
        compress_runs(runs, [2, 3])


@pytest.mark.parametrize(
    ('runs', 'joined'),
    [
        ([0, 4, 0, 0, 21], [0, 4, 21]),
        ([4, 0, 21], [25]),
        ([3, 4, 0, 5, 13], [3, 9, 13]),
        ([0, 0, 8, 0, 0, 4, 13], [8, 4, 13]),
        ([0, 25, 0], [0, 25]),
        ([9, 9, 7], [9, 9, 7]),
    ],
)
def test_empty_runs_are_joined(runs, joined):
    expected = mask_utils.frPyObjects(dict(size=[5, 5], counts=joined), 5, 5)
    assert compress_runs(runs, [5, 5]) == expected['counts']


def test_decoding_another_size_is_refused():
    rle = rle_of(random_mask(1))
    with pytest.raises(ValueError, match=r'RLE size \[7, 11\], expected \[11, 7\]'):
        decode_mask(rle, 11, 7)
    problem = 'has an RLE that describes 77 pixels instead of 84'
    with pytest.raises(ValueError, match=problem):
        decode_mask(dict(rle, size=[7, 12]), 7, 12)


def test_mask_bbox():
    mask = np.zeros((5, 8), dtype=np.uint8)
    assert mask_bbox(mask) == [0, 0, 0, 0]
    mask[1:3, 4:7] = 1
    mask[4, 2] = 1
    assert mask_bbox(mask) == [2, 1, 7, 5]
