import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmvis.datasets.segmentation import (
    compact_segmentation,
    decode_segmentation,
    mask_bbox,
    rle_runs,
)
from mmvis.testing import rle_of


def random_mask(seed, size=(7, 11), density=0.4):
    return (np.random.default_rng(seed).random(size) < density).astype(np.uint8)


@pytest.mark.parametrize('compressed', [True, False])
@pytest.mark.parametrize('density', [0.0, 0.02, 0.4, 1.0])
def test_rle_round_trip(compressed, density):
    mask = random_mask(0, density=density)
    compact = compact_segmentation(rle_of(mask, compressed))
    assert isinstance(compact['counts'], bytes)
    np.testing.assert_array_equal(decode_segmentation(compact, 7, 11), mask)


def test_polygon_is_drawn_as_pycocotools_does():
    polygons = [[1.0, 1.0, 6.0, 1.0, 6.0, 4.0, 1.0, 4.0], [7, 2, 9, 2, 9, 6]]
    compact = compact_segmentation(polygons)
    rles = mask_utils.frPyObjects(polygons, 7, 11)
    expected = mask_utils.decode(mask_utils.merge(rles))
    decoded = decode_segmentation(compact, 7, 11)
    np.testing.assert_array_equal(decoded, expected)
    assert decoded.sum() == expected.sum() > 15


@pytest.mark.parametrize('absent', [None, []])
def test_absent(absent):
    assert compact_segmentation(absent) is None


@pytest.mark.parametrize('size', [(1, 1), (7, 11), (180, 320), (720, 1280)])
@pytest.mark.parametrize('density', [0.0, 0.001, 0.3, 1.0])
def test_rle_runs_are_those_of_the_mask(size, density):
    mask = random_mask(size[0], size, density)
    runs = rle_runs(rle_of(mask)['counts'].encode())
    assert runs.tolist() == rle_of(mask, compressed=False)['counts']


@pytest.mark.parametrize('seed', range(5))
def test_decoding_equals_pycocotools(seed):
    mask = cv2.GaussianBlur(random_mask(seed, (60, 90)) * 255, (15, 15), 0) > 100
    rle = rle_of(mask)
    decoded = decode_segmentation(compact_segmentation(rle), 60, 90)
    assert decoded.dtype == np.uint8
    assert 0 < decoded.mean() < 1
    np.testing.assert_array_equal(decoded, mask_utils.decode(rle))


def test_rle_runs_of_broken_strings():
    assert rle_runs(b'').tolist() == []
    long_run = rle_of(np.zeros((180, 320)))['counts'].encode()
    assert rle_runs(long_run).tolist() == [180 * 320]
    assert rle_runs(long_run[:-1]) is None


@pytest.mark.parametrize(
    ('segmentation', 'message'),
    [
        (dict(size=[2, 2]), r"is an RLE without \['counts'\]"),
        (dict(size=[2], counts='0'), r'has the RLE size \[2\]'),
        (dict(size=[2, 3], counts=[2, 3]), r'sum to 5, expected 2 \* 3 = 6'),
        (dict(size=[2, 3], counts=[-1, 7]), 'has RLE counts'),
        ('abc', 'is a str, expected RLE, list of polygons or null'),
        ([[1, 2, 3, 4]], 'holds a polygon that is not a list of at least three'),
        ([[1, 2, 3, 4, 5, 6, 7]], 'holds a polygon'),
        ([1, 2, 3, 4, 5, 6], 'holds a polygon'),
    ],
)
def test_compact_refuses(segmentation, message):
    with pytest.raises(ValueError, match=message):
        compact_segmentation(segmentation)


def test_decode_refuses_another_size():
    compact = compact_segmentation(rle_of(random_mask(1)))
    with pytest.raises(ValueError, match=r"RLE size \[7, 11\], expected the frame's"):
        decode_segmentation(compact, 11, 7)


@pytest.mark.parametrize(('height', 'width'), [(7, 12), (7, 10)])
def test_decode_refuses_counts_that_do_not_fill_the_size(height, width):
    compact = compact_segmentation(rle_of(random_mask(1)))
    compact['size'] = [height, width]
    with pytest.raises(ValueError, match='counts that sum to 77, expected'):
        decode_segmentation(compact, height, width)


@pytest.mark.parametrize('counts', [b'PP', b'1N2'])
def test_decode_refuses_what_is_no_run_length(counts):
    compact = dict(size=[1, 3], counts=counts)
    with pytest.raises(ValueError, match='that are no compressed run lengths'):
        decode_segmentation(compact, 1, 3)


def test_mask_bbox():
    mask = np.zeros((5, 8), dtype=np.uint8)
    assert mask_bbox(mask) == [0, 0, 0, 0]
    mask[1:3, 4:7] = 1
    mask[4, 2] = 1
    assert mask_bbox(mask) == [2, 1, 7, 5]
