import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmvis.evaluation.functional.mask_table import (
    MaskTable,
    check_masks,
    mean_mask_areas,
)


@pytest.fixture
def tracks():
    """Random masks (N, T) as RLE or None, among them empty and full ones."""
    rng = np.random.default_rng(3)
    masks = rng.random((5, 6, 7, 9)) < rng.choice([0.02, 0.5, 0.98], (5, 6, 1, 1))
    masks[0, 1], masks[2, 3], masks[4] = False, True, False
    masks[1, 2:5, 2:4] = False
    masks[1, 2:5, :, 3:] = True  # runs that go on into the next column
    rles = [
        mask_utils.encode(np.asfortranarray(track.transpose(1, 2, 0), np.uint8))
        for track in masks
    ]
    rles[0][2] = rles[3][0] = None
    masks[0, 2] = masks[3, 0] = False
    return masks, rles


def test_areas_are_those_of_the_pixels(tracks):
    masks, rles = tracks
    table = MaskTable(rles)
    assert table.is_regular
    assert table.size == [7, 9]
    assert (table.areas == masks.sum((2, 3))).all()


def test_boxes_are_those_of_pycocotools(tracks):
    _, rles = tracks
    boxes = MaskTable(rles).boxes
    for n, track in enumerate(rles):
        for t, rle in enumerate(track):
            box = mask_utils.toBbox(rle) if rle else np.zeros(4)
            if box[2:].any():
                box[2:] += box[:2]
                assert boxes[:, n, t].tolist() == box.tolist()
            else:
                assert not boxes[:, n, t].any()


def test_edges_are_those_of_the_pixels(tracks):
    masks, rles = tracks
    table = MaskTable(rles)
    for n, track in enumerate(masks):
        pixels = track.transpose(0, 2, 1).ravel()  # down the columns, frame by frame
        filled = np.zeros_like(pixels)
        edges = table.edges[table.ends[n] : table.ends[n + 1]].astype(int)
        for first, last in edges.reshape(-1, 2):
            assert not filled[first:last].any()
            filled[first:last] = True
        assert (filled == pixels).all()


def test_mean_area_leaves_out_empty_frames(tracks):
    masks, rles = tracks
    areas = masks.sum((2, 3))
    expected = [a[a > 0].mean() if a.any() else 0 for a in areas]
    assert MaskTable(rles).mean_areas().tolist() == expected
    assert mean_mask_areas(rles).tolist() == expected
    assert mean_mask_areas([[None], []]).tolist() == [0, 0]


def test_more_masks_than_pycocotools_measures_at_once():
    rle = mask_utils.encode(np.ones((4, 5), np.uint8, order='F'))
    assert mean_mask_areas([[rle] * 600, [rle]]).tolist() == [20, 20]


def test_no_masks_at_all():
    table = MaskTable([[None, None], [None, None]])
    assert table.is_regular
    assert table.size is None
    assert not table.areas.any()
    assert table.mean_areas().tolist() == [0, 0]


def test_what_is_not_regular_is_marked(tracks):
    _, rles = tracks
    assert not MaskTable([rles[0], [*rles[1], None]]).is_regular
    rle = mask_utils.encode(np.ones((9, 7), np.uint8, order='F'))
    assert not MaskTable([rles[0], [rle] * 6]).is_regular


@pytest.mark.parametrize('is_regular', [True, False])
@pytest.mark.parametrize(
    ('counts', 'problem'),
    [
        (b'o11', 'describes 64 pixels instead of 63'),
        (b'', 'is empty'),
        (b'P2O', 'has a negative run length'),
        (b'oQ', 'ends in the middle of a number'),
    ],
)
def test_broken_masks_are_refused(tracks, is_regular, counts, problem):
    _, rles = tracks
    rles[1][3] = dict(size=[7, 9], counts=counts)
    if not is_regular:
        rles[0].append(None)
    with pytest.raises(ValueError, match=problem):
        MaskTable(rles)


@pytest.mark.parametrize('read', [MaskTable, check_masks, mean_mask_areas])
def test_invalid_masks_are_refused_by_all_that_read_them(read, tracks):
    _, rles = tracks
    counts = rles[1][3]['counts']
    rles[1][3] = dict(size=[7, 9], counts=counts + b'1')
    rles[2][0] = None
    with pytest.raises(ValueError, match=r'size \[7, 9\] is no valid RLE: it .*pixels'):
        read(rles)
    rles[1][3] = None
    read(rles)
