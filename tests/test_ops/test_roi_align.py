"""RoIAlign against a loop over the formula, and where it must not break."""

import math
import sys

import numpy as np
import pytest
import torch

from mmvis import memory_limits
from mmvis.ops import has_compiled_ops, roi_align, roi_align_layout
from mmvis.ops.roi_align_torch import roi_align_max, roi_align_torch

# Inside, over each border, far outside, without area, inverted, the second map.
ROIS = torch.tensor(
    [
        [0, 2.0, 3.0, 11.0, 9.5],
        [0, -7.3, -5.1, 6.2, 4.4],
        [1, 12.0, 9.0, 31.7, 26.4],
        [1, -60.0, -50.0, -40.0, -45.0],
        [0, 5.0, 5.0, 5.0, 5.0],
        [1, 9.0, 8.0, 3.0, 2.0],
        [0, 0.0, 0.0, 18.0, 14.0],
    ]
)


def make_inputs(dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 3, 7, 9, generator=generator, dtype=torch.float64).to(dtype)


def sample(image, y, x):
    """Interpolate a (H, W) map; a margin of one pixel repeats its edge."""
    height, width = image.shape
    if y < -1 or y > height or x < -1 or x > width:
        return 0.0
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = min(int(y), height - 2), min(int(x), width - 2)
    return sum(
        (1 - abs(y - row)) * (1 - abs(x - col)) * image[row, col]
        for row in (top, top + 1)
        for col in (left, left + 1)
    )


def loop_roi_align(inputs, rois, output_size, scale, sampling_ratio, mode, aligned):
    """RoIAlign, Mask R-CNN Sec. 3, bin by bin."""
    out = np.zeros((len(rois), inputs.shape[1], *output_size))
    shift = 0.5 if aligned else 0.0
    for n, (b, *box) in enumerate(rois):
        x1, y1, x2, y2 = (c * scale - shift for c in box)
        height, width = y2 - y1, x2 - x1
        if not aligned:
            height, width = max(height, 1), max(width, 1)
        bin_h, bin_w = height / output_size[0], width / output_size[1]
        grid_h = sampling_ratio or max(math.ceil(bin_h), 0)
        grid_w = sampling_ratio or max(math.ceil(bin_w), 0)
        for c, i, j in np.ndindex(out.shape[1:]):
            samples = [
                sample(
                    inputs[int(b), c],
                    y1 + bin_h * (i + (iy + 0.5) / grid_h),
                    x1 + bin_w * (j + (ix + 0.5) / grid_w),
                )
                for iy in range(grid_h)
                for ix in range(grid_w)
            ]
            if mode == 'max':
                out[n, c, i, j] = max(samples, default=-10000.0)
            else:
                out[n, c, i, j] = sum(samples) / max(len(samples), 1)
    return out


@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('mode', ['avg', 'max'])
@pytest.mark.parametrize('sampling_ratio', [0, 1, 2, 3])
def test_equals_formula(sampling_ratio, mode, aligned):
    args = ((2, 3), 0.5, sampling_ratio, mode, aligned)
    expected = loop_roi_align(make_inputs().numpy(), ROIS.numpy(), *args)
    pooled = roi_align(make_inputs(), ROIS, *args)
    # Sums of float32 in another order.
    np.testing.assert_allclose(pooled.numpy(), expected, atol=2e-6)


def test_hand_computed_bins():
    """A ramp is linear: the mean of a bin is the value at its centre."""
    ramp = torch.arange(8.0).expand(1, 1, 6, 8)
    roi = torch.tensor([[0, 1.0, 1.0, 5.0, 3.0]])
    pooled = roi_align(ramp, roi, (1, 2), 1.0, 2, aligned=True)
    assert pooled.flatten().tolist() == [1.5, 3.5]
    pooled = roi_align(ramp, roi, (1, 2), 1.0, 2, aligned=False)
    assert pooled.flatten().tolist() == [2.0, 4.0]
    pooled = roi_align(ramp, roi, (1, 2), 1.0, 2, 'max', aligned=False)
    assert pooled.flatten().tolist() == [2.5, 4.5]


@pytest.mark.parametrize(
    ('y', 'expected'),
    [(-1, 1), (-1.01, 0), (-0.5, 1), (1.5, 2.5), (3, 4), (4, 4), (4.01, 0)],
)
def test_border_of_one_sample(y, expected):
    """One sample at y on a map of rows 1, 2, 3, 4: the border is one pixel wide."""
    rows = torch.arange(1.0, 5.0).view(1, 1, 4, 1).expand(1, 1, 4, 5).double()
    # A region of 2 pixels around (y, 2), without the shift of half a pixel.
    roi = torch.tensor([[0, 1.0, y - 1, 3.0, y + 1]], dtype=torch.float64)
    pooled = roi_align(rows, roi, 1, 1.0, 1, aligned=False)
    assert pooled.item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize('mode', ['avg', 'max'])
def test_no_regions_give_an_empty_result_and_zero_gradient(mode):
    inputs = make_inputs().requires_grad_()
    pooled = roi_align(inputs, ROIS[:0], (2, 3), 0.5, 2, mode)
    assert pooled.shape == (0, 3, 2, 3)
    pooled.sum().backward()
    assert inputs.grad.abs().max() == 0


@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('mode', ['avg', 'max'])
@pytest.mark.parametrize('sampling_ratio', [0, 2])
def test_gradient(sampling_ratio, mode, aligned):
    inputs = make_inputs(torch.float64).requires_grad_()
    rois = ROIS.double()

    def pool(x):
        return roi_align(x, rois, (2, 3), 0.5, sampling_ratio, mode, aligned)

    assert torch.autograd.gradcheck(pool, inputs)


def test_tied_maxima_pass_the_gradient_to_the_first():
    inputs = torch.ones(1, 1, 4, 4, requires_grad=True)
    roi = torch.tensor([[0, 0.0, 0.0, 2.0, 2.0]])
    roi_align(inputs, roi, 1, 1.0, 2, 'max', aligned=True).backward()
    # The first of the four samples lies at (0, 0).
    assert inputs.grad[0, 0, 0, 0] == 1
    assert inputs.grad.sum() == 1


def test_a_level_in_many_pieces_is_the_same(monkeypatch):
    inputs = make_inputs()
    whole = roi_align(inputs, ROIS, (2, 3), 0.5, 0)
    monkeypatch.setattr(memory_limits, 'SAMPLING_POINTS_AT_ONCE', 30)
    assert torch.equal(roi_align(inputs, ROIS, (2, 3), 0.5, 0), whole)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    inputs = make_inputs(dtype)
    pooled = roi_align(inputs, ROIS, (2, 3), 0.5, 2)
    expected = roi_align(inputs.float(), ROIS, (2, 3), 0.5, 2)
    assert pooled.dtype == dtype
    assert torch.equal(pooled, expected.to(dtype))


def test_autocast_changes_nothing():
    inputs = make_inputs()
    with torch.autocast('cpu', torch.bfloat16):
        pooled = roi_align(inputs, ROIS, (2, 3), 0.5, 2)
    assert torch.equal(pooled, roi_align(inputs, ROIS, (2, 3), 0.5, 2))


def test_channels_last_input_is_the_same():
    inputs = make_inputs()
    strided = inputs.to(memory_format=torch.channels_last)
    expected = roi_align(inputs, ROIS, (2, 3), 0.5, 2)
    assert torch.equal(roi_align(strided, ROIS, (2, 3), 0.5, 2), expected)


def test_max_says_where():
    inputs = torch.zeros(1, 1, 6, 6)
    inputs[0, 0, 2, 3] = 5
    roi = torch.tensor([[0, 0.5, 0.5, 6.5, 6.5]])
    value, y, x = roi_align_max(inputs, roi, (1, 1), 1.0, 6, True)
    assert (value.item(), y.item(), x.item()) == (1.25, 1.5, 2.5)


@pytest.mark.parametrize(
    ('change', 'match'),
    [
        ({'inputs': torch.zeros(3, 7, 9)}, r'inputs must have shape .* \(3, 7, 9\)'),
        ({'rois': torch.zeros(2, 4)}, r'rois must have shape \(N, 5\).* \(2, 4\)'),
        ({'sampling_ratio': -1}, 'sampling_ratio must be 0 .* got -1'),
        ({'pool_mode': 'mean'}, "must be 'avg' or 'max', got 'mean'"),
    ],
)
def test_wrong_arguments_are_named(change, match):
    args = dict(inputs=make_inputs(), rois=ROIS, output_size=2)
    with pytest.raises(ValueError, match=match):
        roi_align(**{**args, **change})


@pytest.mark.skipif(not has_compiled_ops(), reason='mmcv has no compiled operators')
@pytest.mark.parametrize('mode', ['avg', 'max'])
@pytest.mark.parametrize('sampling_ratio', [0, 2])
def test_equals_compiled_operator(sampling_ratio, mode):
    rois = ROIS[:5]  # the compiled operator refuses inverted regions
    args = ((2, 3), 0.5, sampling_ratio, mode, True)
    compiled = roi_align(make_inputs(), rois, *args)
    torch.testing.assert_close(
        roi_align_torch(make_inputs(), rois, *args), compiled, rtol=0, atol=1e-5
    )


@pytest.mark.skipif(has_compiled_ops(), reason='reads maps as they are')
def test_maps_that_are_laid_out_are_read_where_they_lie(monkeypatch):
    inputs = make_inputs()
    laid_out = roi_align_layout(inputs)
    assert torch.equal(laid_out, inputs)
    tables = []

    def remember(table, *args):
        tables.append(table.data_ptr())
        return weighted_row_sums(table, *args)

    module = sys.modules[roi_align_torch.__module__]
    weighted_row_sums = module.weighted_row_sums
    monkeypatch.setattr(module, 'weighted_row_sums', remember)
    pooled = [roi_align(x, ROIS, (2, 3), 0.5, 2) for x in (inputs, laid_out)]
    assert torch.equal(*pooled)
    assert tables[0] != inputs.data_ptr()
    assert tables[1] == laid_out.data_ptr()
