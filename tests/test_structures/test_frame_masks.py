import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pycocotools import mask as mask_util

from mmvis.structures import FrameMasks, PackedMask


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


def interpolated(logits, size):
    """Interpolate in float32 as the formula says, rows first."""
    for axis in (0, 1):
        num_in, num_out = logits.shape[axis], size[axis]
        scale = np.float32(num_in) / np.float32(num_out)
        centres = np.arange(num_out, dtype=np.float32) + np.float32(0.5)
        source = np.maximum(centres * scale - np.float32(0.5), 0)
        low = source.astype(int)
        fraction = np.expand_dims(source - low.astype(np.float32), 1 - axis)
        ends = (logits.take(n, axis) for n in (low, np.minimum(low + 1, num_in - 1)))
        logits = next(ends) * (1 - fraction) + next(ends) * fraction
    return logits


@pytest.mark.parametrize('kind', ['smooth', 'signs', 'rounded', 'tiny', 'huge'])
def test_signs_are_exact_where_they_depend_on_rounding(kind):
    rng = np.random.default_rng(0)
    for _ in range(50):
        h, w = rng.integers(2, 100, 2)
        size = tuple(rng.integers(1, 1300, 2).tolist())
        logits = cv2.GaussianBlur(rng.standard_normal((h, w)), (0, 0), 2)
        if kind == 'signs':
            logits = np.sign(logits)
        elif kind == 'rounded':
            logits = np.round(logits * 4) / 4
        logits = (logits * dict(tiny=1e-30, huge=1e37).get(kind, 1)).astype(np.float32)
        expected = interpolated(logits, size) > 0
        (encoded,) = FrameMasks(torch.from_numpy(logits)[None]).encode(size)
        np.testing.assert_array_equal(decode(encoded, size), expected)


def test_infinite_logits_are_interpolated_as_the_formula_says():
    logits = np.full((9, 11), -1, np.float32)
    logits[2:7, 3:9] = 2
    logits[4, 5] = np.inf
    with np.errstate(invalid='ignore'):
        expected = interpolated(logits, (70, 90)) > 0  # 0 * inf is not more than 0
        (encoded,) = FrameMasks(torch.from_numpy(logits)[None]).encode((70, 90))
    np.testing.assert_array_equal(decode(encoded, (70, 90)), expected)
    assert expected.any()


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


def encode_packed(logits, size):
    packed = FrameMasks(logits).pack()
    for i, mask in enumerate(packed):
        if isinstance(mask, PackedMask):
            packed[i] = PackedMask.from_bytes(mask.to_bytes())
    return [p if p is None else p.encode(size)[0] for p in packed]


@pytest.mark.parametrize('size', [(37, 53), (10, 14), (5, 7), (3, 4), (1, 1), (80, 6)])
@pytest.mark.parametrize('bias', [0.0, -1.5, 1.5])
def test_packed_masks_are_encoded_alike(size, bias):
    torch.manual_seed(0)
    rough, smooth = torch.randn(30, 5, 7) + bias, torch.randn(4, 9, 3, 3) + bias
    smooth = F.interpolate(smooth, (18, 25), mode='bicubic').flatten(0, 1)
    for logits in (rough, smooth, rough.round()):  # rounded: logits of exactly 0
        expected = FrameMasks(logits).encode(size)
        assert any(expected) or size == (1, 1)
        assert encode_packed(logits, size) == expected


def test_logits_that_lose_their_sign_are_packed_as_they_are():
    logits = torch.full((4, 5, 7), 2.0)
    logits[0] = 1e-44  # between two cells it is 0
    logits[1] = torch.inf  # times a share of 0 it is NaN
    logits[2, 1:3] = -torch.inf
    logits[3, 2, 2:5] = -2
    kinds = [type(p) for p in FrameMasks(logits).pack()]
    assert kinds == [FrameMasks, FrameMasks, PackedMask, PackedMask]
    with np.errstate(invalid='ignore'):
        expected = FrameMasks(logits).encode((37, 53))
        assert encode_packed(logits, (37, 53)) == expected
    assert len({mask.counts for mask in expected}) == 4


@pytest.mark.parametrize('shape', [(3, 1, 7), (3, 5, 1), (3, 1, 1)])
def test_maps_of_one_row_or_column_are_packed(shape):
    torch.manual_seed(0)
    logits = torch.randn(shape)
    assert encode_packed(logits, (6, 9)) == FrameMasks(logits).encode((6, 9))


def test_a_packed_mask_holds_its_outline_alone():
    logits = torch.full((2, 100, 150), -3.0)
    logits[1, 20:60, 30:90] = 3
    nothing, packed = FrameMasks(logits).pack()
    assert nothing is None
    # Cells on both sides of the outline of 40 x 60 cells.
    assert len(packed.values) == 4 * (40 + 60)
    assert len(packed.signs['counts']) < 300
    assert packed.values.base is None  # keeps nothing else alive
    assert FrameMasks(torch.zeros(0, 0, 0)).pack() == []
