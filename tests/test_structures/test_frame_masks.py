import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pycocotools import mask as mask_util

from mmvis.structures import FrameMasks


def decode(encoded, size):
    if encoded is None:
        return np.zeros(size, dtype=bool)
    rle = dict(size=list(size), counts=encoded.counts)
    return mask_util.decode(rle).astype(bool)


@pytest.mark.parametrize('size', [(37, 53), (10, 14), (5, 7), (3, 4), (1, 1), (80, 6)])
@pytest.mark.parametrize('bias', [0.0, -0.5])
def test_equals_interpolating_the_whole_map(size, bias):
    torch.manual_seed(0)
    logits = torch.randn(30, 5, 7) + bias
    expected = F.interpolate(logits[None], size, mode='bilinear')[0] > 0
    assert expected.any()
    for encoded, mask in zip(FrameMasks(logits).encode(size), expected):
        np.testing.assert_array_equal(decode(encoded, size), mask.numpy())


@pytest.mark.parametrize('corner', [(0, 0), (0, 6), (4, 0), (4, 6), (2, 3)])
def test_object_of_a_single_cell(corner):
    logits = torch.full((1, 5, 7), -1.0)
    logits[0, corner[0], corner[1]] = 3.0
    expected = F.interpolate(logits[None], (40, 56), mode='bilinear')[0, 0] > 0
    (encoded,) = FrameMasks(logits).encode((40, 56))
    np.testing.assert_array_equal(decode(encoded, (40, 56)), expected.numpy())


def test_no_foreground_is_none():
    # A logit of exactly 0 is background; the second is lost when it is scaled down.
    logits = torch.full((2, 8, 8), -50.0)
    logits[0] = 0
    logits[1, 0, 0] = 0.1
    assert FrameMasks(logits).encode((2, 2)) == [None, None]
    assert FrameMasks(torch.zeros(0, 0, 0)).encode((2, 2)) == []
