import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmvis.structures.rle import (
    compact_polygons,
    compress,
    compress_runs,
    decode_mask,
    decode_runs,
    first_invalid_rle,
    mask_bbox,
)
from mmvis.testing import rle_of


def random_rles(num, seed=0):
    rng = np.random.default_rng(seed)
    counts, pixels = [], []
    for _ in range(num):
        h, w = rng.integers(1, 200, 2)
        mask = rng.random((h, w)) < rng.choice([0, 0.01, 0.5, 1])
        mask = np.repeat(mask, rng.integers(1, 40), axis=0)
        rle = mask_utils.encode(np.asfortranarray(mask, np.uint8))
        counts.append(rle['counts'].decode())
        pixels.append(mask.size)
    return counts, np.array(pixels)


def test_what_pycocotools_writes_is_valid():
    counts, pixels = random_rles(300)
    assert first_invalid_rle(counts, pixels) is None


def test_runs_are_those_of_the_pixels():
    counts, pixels = random_rles(60, seed=1)
    runs, sizes = decode_runs([text.encode() for text in counts])
    assert (runs == decode_runs(counts)[0]).all()
    assert len(runs) == sizes.sum()
    for n, part in enumerate(np.split(runs, np.cumsum(sizes)[:-1])):
        rle = dict(size=[int(pixels[n]), 1], counts=counts[n])
        values = np.arange(len(part)) % 2
        assert (np.repeat(values, part) == mask_utils.decode(rle)[:, 0]).all()


def test_runs_of_no_and_of_empty_strings():
    for counts in ([], ['', '']):
        runs, sizes = decode_runs(counts)
        assert len(runs) == 0
        assert sizes.tolist() == [0] * len(counts)
    runs, sizes = decode_runs(['', '54', '', '<'])
    assert (runs.tolist(), sizes.tolist()) == ([5, 4, 12], [0, 2, 0, 1])


def test_cut_string_is_refused():
    with pytest.raises(ValueError, match='ends in the middle of a number'):
        decode_runs(['54', '5P'])


def test_no_strings_are_valid():
    assert first_invalid_rle([], np.zeros(0, int)) is None


def test_wrong_number_of_pixels_is_found():
    counts, pixels = random_rles(40)
    pixels[17] += 1
    index, problem = first_invalid_rle(counts, pixels)
    assert index == 17
    assert problem == f'describes {pixels[17] - 1} pixels instead of {pixels[17]}'


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ('', 'is empty'),
        ('54 ', "has the character ' '"),
        ('5é4', "has the character 'é', which RLE does not use"),
        ('5中4', "has the character '中', which RLE does not use"),
        ('5P', 'ends in the middle of a number'),
        ('PPPPPPP0', 'has a number of more than 32 bits'),
        ('5O', 'has a negative run length'),
        ('54', 'describes 9 pixels instead of 12'),
    ],
)
def test_damage_is_named(text, problem):
    index, found = first_invalid_rle(['<', text, '54'], np.array([12, 12, 12]))
    assert index == 1
    assert problem in found


def test_index_counts_through_all_chunks():
    index, _ = first_invalid_rle(['<'] * 20000 + ['='], np.full(20001, 12))
    assert index == 20000


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


def test_decoding_another_size_is_refused():
    rle = rle_of(random_mask(1))
    with pytest.raises(ValueError, match=r'RLE size \[7, 11\] and 77 pixels, expected'):
        decode_mask(rle, 11, 7)
    with pytest.raises(ValueError, match='has the RLE size'):
        decode_mask(dict(rle, size=[7, 12]), 7, 12)


def test_mask_bbox():
    mask = np.zeros((5, 8), dtype=np.uint8)
    assert mask_bbox(mask) == [0, 0, 0, 0]
    mask[1:3, 4:7] = 1
    mask[4, 2] = 1
    assert mask_bbox(mask) == [2, 1, 7, 5]
