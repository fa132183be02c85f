import numpy as np
import pytest
import torch
from mmdet.models.roi_heads.mask_heads.fcn_mask_head import _do_paste_mask
from pycocotools import mask as mask_util

from mmvis.structures import RoIFrameMasks

SIZE = (45, 70)
WHWH = torch.tensor([70.0, 45, 70, 45])


def decode(encoded):
    if encoded is None:
        return np.zeros(SIZE, dtype=bool)
    return mask_util.decode(dict(size=list(SIZE), counts=encoded.counts)).astype(bool)


def test_equals_mmdetections_pasting_of_the_whole_image():
    torch.manual_seed(0)
    corners = torch.rand(60, 2, 2) * 1.6 - 0.3
    bboxes = torch.cat([corners.amin(1), corners.amax(1)], dim=1)
    reaches_out = ((bboxes < 0) | (bboxes > 1)).any(1)
    assert 10 < reaches_out.sum() < 60
    logits = torch.randn(60, 14, 14) + 0.5
    pasted, _ = _do_paste_mask(
        logits.sigmoid()[:, None], bboxes * WHWH, *SIZE, skip_empty=False
    )
    encoded = RoIFrameMasks(logits, bboxes).encode(SIZE)
    for mask, expected in zip(encoded, pasted.numpy()):
        is_clear = abs(expected - 0.5) > 1e-5  # sums have another order
        np.testing.assert_array_equal(decode(mask)[is_clear], expected[is_clear] > 0.5)
    assert sum(mask is not None for mask in encoded) > 40


def test_full_box():
    masks = RoIFrameMasks(
        torch.full((1, 28, 28), 9.0), torch.tensor([[10.0, 5, 30, 25]]) / WHWH
    )
    (encoded,) = masks.encode(SIZE)
    assert encoded.bbox == [10, 5, 30, 25]
    expected = np.zeros(SIZE, dtype=bool)
    expected[5:25, 10:30] = True
    np.testing.assert_array_equal(decode(encoded), expected)


def test_box_of_a_mask_in_a_larger_box():
    logits = torch.full((2, 20, 20), -9.0)
    logits[0, 5:15, 10:20] = 9.0
    boxes = torch.tensor([[10.0, 5, 30, 25]] * 2) / WHWH
    masks = RoIFrameMasks(logits, boxes, are_object_boxes=False)
    parts = (masks, masks.select([0, 1]), masks.lerp(masks, 0.5))
    for part in (*parts, RoIFrameMasks.cat([masks])):
        encoded, nothing = part.encode(SIZE)
        assert nothing is None
        np.testing.assert_allclose(encoded.bbox, [20, 10, 30, 20], atol=1)
        rows, columns = np.nonzero(decode(encoded))
        assert encoded.bbox[:2] == [columns.min(), rows.min()]
        assert encoded.bbox[2:] == [columns.max() + 1, rows.max() + 1]


@pytest.mark.parametrize(
    'bbox',
    [
        [1.2, 0.1, 1.6, 0.5],
        [-0.9, -0.8, -0.2, -0.1],
        [0.4, 0.5, 0.4, 0.9],
        [0.6, 0.5, 0.3, 0.9],
        [float('nan'), 0.1, 0.5, 0.5],
        [0.1, 0.1, float('inf'), 0.5],
    ],
    ids=['right of it', 'above it', 'empty', 'turned', 'NaN', 'endless'],
)
def test_boxes_without_a_mask(bbox):
    good = [0.1, 0.1, 0.9, 0.9]
    masks = RoIFrameMasks(torch.full((2, 28, 28), 9.0), torch.tensor([bbox, good]))
    encoded = masks.encode(SIZE)
    assert encoded[0] is None
    assert encoded[1] is not None


def test_no_foreground_and_no_masks():
    box = torch.tensor([[0.1, 0.1, 0.9, 0.9]])
    assert RoIFrameMasks(torch.full((1, 28, 28), -0.1), box).encode(SIZE) == [None]
    nan = torch.full((1, 28, 28), float('nan'))
    assert RoIFrameMasks(nan, box).encode(SIZE) == [None]
    assert RoIFrameMasks(torch.zeros(0, 28, 28), torch.zeros(0, 4)).encode(SIZE) == []
