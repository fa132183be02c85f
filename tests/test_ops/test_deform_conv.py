"""Deformable convolution against a loop over the formula, and special cases."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmvis import memory_limits
from mmvis.ops import deform_conv2d, has_compiled_ops, modulated_deform_conv2d
from mmvis.ops.deform_conv_torch import ConvGeometry, deform_conv2d_torch

# stride, padding, dilation, groups, deform_groups
GEOMETRIES = {
    'plain': ((1, 1), (1, 1), (1, 1), 1, 1),
    'strided': ((2, 1), (1, 0), (1, 1), 1, 2),
    'dilated': ((1, 2), (2, 3), (2, 1), 2, 1),
    'all groups': ((2, 2), (1, 1), (1, 1), 2, 4),
    'equal groups': ((2, 1), (0, 1), (1, 1), 3, 3),
    'groups that overlap': ((1, 1), (1, 1), (1, 1), 2, 3),
}


@pytest.fixture(params=[0, memory_limits.UNFOLDED_NUMBERS_AT_ONCE])
def unfolded_numbers(request, monkeypatch):
    """With none the product comes first, unless groups forbid it."""
    monkeypatch.setattr(memory_limits, 'UNFOLDED_NUMBERS_AT_ONCE', request.param)


def bilinear(image, y, x):
    """Interpolate one (H, W) map at (y, x), pixels outside being zero."""
    height, width = image.shape
    value = 0.0
    for row in (math.floor(y), math.floor(y) + 1):
        for col in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < height and 0 <= col < width:
                value += (1 - abs(y - row)) * (1 - abs(x - col)) * image[row, col]
    return value


def loop_deform_conv(
    inputs, offset, mask, weight, stride, pad, dilation, groups, deforms
):
    """Deformable convolution v2, Eq. 1 of Zhu et al. 2019 (v1 where mask is 1)."""
    batch, channels = inputs.shape[:2]
    out_channels, group_channels, kh, kw = weight.shape
    out = np.zeros((batch, out_channels, *offset.shape[2:]))
    for b, o, i, j in np.ndindex(out.shape):
        group = o // (out_channels // groups)
        for c, ki, kj in np.ndindex(group_channels, kh, kw):
            channel = group * group_channels + c
            tap = channel // (channels // deforms) * kh * kw + ki * kw + kj
            y = i * stride[0] - pad[0] + ki * dilation[0] + offset[b, 2 * tap, i, j]
            x = j * stride[1] - pad[1] + kj * dilation[1] + offset[b, 2 * tap + 1, i, j]
            sample = bilinear(inputs[b, channel], y, x) * mask[b, tap, i, j]
            out[b, o, i, j] += weight[o, c, ki, kj] * sample
    return out


def make_operands(geometry, dtype=torch.float32, batch=2):
    """Make (inputs, offset, mask, weight, bias) for a 3x2 kernel, 12 -> 6 channels."""
    generator = torch.Generator().manual_seed(0)
    height, width = ConvGeometry(*geometry).output_size(6, 7, (3, 2))
    taps = geometry[4] * 6
    shapes = [
        (batch, 12, 6, 7),
        (batch, 2 * taps, height, width),
        (batch, taps, height, width),
        (6, 12 // geometry[3], 3, 2),
        (6,),
    ]
    operands = [
        torch.randn(s, generator=generator, dtype=torch.float64).to(dtype)
        for s in shapes
    ]
    operands[1] *= 2.5  # far enough to leave the map
    return operands


@pytest.mark.usefixtures('unfolded_numbers')
@pytest.mark.parametrize('geometry', GEOMETRIES.values(), ids=GEOMETRIES)
def test_modulated_equals_formula(geometry):
    inputs, offset, mask, weight, bias = make_operands(geometry)
    arrays = (x.numpy() for x in (inputs, offset, mask, weight))
    expected = loop_deform_conv(*arrays, *geometry) + bias.numpy()[:, None, None]
    out = modulated_deform_conv2d(inputs, offset, mask, weight, bias, *geometry)
    # Sums of float32 in another order.
    np.testing.assert_allclose(out.numpy(), expected, atol=2e-5)


@pytest.mark.usefixtures('unfolded_numbers')
@pytest.mark.parametrize('geometry', GEOMETRIES.values(), ids=GEOMETRIES)
def test_plain_equals_formula(geometry):
    inputs, offset, mask, weight, _ = make_operands(geometry)
    arrays = (x.numpy() for x in (inputs, offset, torch.ones_like(mask), weight))
    expected = loop_deform_conv(*arrays, *geometry)
    out = deform_conv2d(inputs, offset, weight, *geometry)
    np.testing.assert_allclose(out.numpy(), expected, atol=2e-5)


@pytest.mark.usefixtures('unfolded_numbers')
@pytest.mark.parametrize('geometry', GEOMETRIES.values(), ids=GEOMETRIES)
def test_without_offsets_it_is_a_convolution(geometry):
    inputs, offset, _, weight, _ = make_operands(geometry)
    out = deform_conv2d(inputs, torch.zeros_like(offset), weight, *geometry)
    torch.testing.assert_close(out, F.conv2d(inputs, weight, None, *geometry[:4]))


def test_offsets_are_dy_then_dx():
    """One tap that looks one pixel down and two to the right, by hand."""
    inputs = torch.arange(12.0).view(1, 1, 3, 4)
    offset = torch.tensor([1.0, 2.0]).view(1, 2, 1, 1).expand(1, 2, 3, 4)
    out = deform_conv2d(inputs, offset, torch.ones(1, 1, 1, 1))
    assert out[0, 0].tolist() == [[6, 7, 0, 0], [10, 11, 0, 0], [0, 0, 0, 0]]


@pytest.mark.usefixtures('unfolded_numbers')
@pytest.mark.parametrize('geometry', GEOMETRIES.values(), ids=GEOMETRIES)
def test_gradient(geometry):
    operands = make_operands(geometry, torch.float64, batch=1)
    for operand in operands:
        operand.requires_grad_()

    def convolve(*operands):
        return modulated_deform_conv2d(*operands, *geometry)

    # The fast mode compares a random projection of the Jacobian.
    assert torch.autograd.gradcheck(convolve, operands, fast_mode=True)


@pytest.mark.usefixtures('unfolded_numbers')
def test_gradient_at_whole_offsets_is_that_of_the_cell_above():
    """Offsets start at zero, where the slope jumps: mmcv takes the larger side."""
    inputs = torch.tensor([[0.0, 1.0, 10.0]]).view(1, 1, 1, 3)
    offset = torch.zeros(1, 2, 1, 3, requires_grad=True)
    deform_conv2d(inputs, offset, torch.ones(1, 1, 1, 1)).sum().backward()
    assert offset.grad[0, 1, 0].tolist() == [1, 9, -10]


@pytest.mark.parametrize('order', ['UNFOLDED', 'PROJECTED'])
def test_maps_in_many_pieces_are_the_same(order, monkeypatch):
    if order == 'PROJECTED':
        monkeypatch.setattr(memory_limits, 'UNFOLDED_NUMBERS_AT_ONCE', 0)
    results = []
    for _ in range(2):
        operands = make_operands(GEOMETRIES['plain'], torch.float64, batch=5)
        for operand in operands:
            operand.requires_grad_()
        out = modulated_deform_conv2d(*operands, *GEOMETRIES['plain'])
        out.square().sum().backward()
        results.append([out, *(x.grad for x in operands)])
        monkeypatch.setattr(memory_limits, f'{order}_NUMBERS_AT_ONCE', 7000)
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize(
    ('size', 'groups', 'num_sums'),
    [
        ((8, 10), (8, 4), 1),
        ((8, 10), (4, 4), 1),
        ((60, 80), (4, 4), 4),  # one projection for each group
        ((60, 80), (8, 4), 2),  # one unfolded input for each map
    ],
)
def test_number_of_sums(size, groups, num_sums):
    inputs, offset = torch.randn(2, 32, *size), torch.zeros(2, groups[1] * 18, *size)
    weight = torch.randn(32, 32 // groups[0], 3, 3)
    with torch.profiler.profile() as profile:
        deform_conv2d(inputs, offset, weight, 1, 1, 1, *groups)
    calls = {event.key: event.count for event in profile.key_averages()}
    assert calls['aten::embedding_bag'] == num_sums


def test_only_outputs_and_operands_are_kept_for_the_backward_pass():
    """The unfolded input has nine times as many numbers as the input."""
    inputs = torch.randn(2, 8, 16, 16, requires_grad=True)
    offset, weight = torch.randn(2, 18, 16, 16), torch.randn(8, 8, 3, 3)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda x: kept.append(x.numel()) or x, lambda x: x
    ):
        deform_conv2d(inputs, offset, weight, padding=1)
    assert max(kept, default=0) <= offset.numel()


def test_empty_batch():
    geometry = GEOMETRIES['plain']
    inputs, offset, _, weight, _ = make_operands(geometry, batch=0)
    weight.requires_grad_()
    out = deform_conv2d(inputs, offset, weight, *geometry)
    assert out.shape == (0, 6, 6, 8)
    out.sum().backward()
    assert weight.grad.abs().max() == 0


def test_autocast_computes_in_float32():
    geometry = GEOMETRIES['plain']
    inputs, offset, _, weight, _ = make_operands(geometry)
    expected = deform_conv2d(inputs, offset, weight, *geometry)
    with torch.autocast('cpu', torch.bfloat16):
        out = deform_conv2d(inputs, offset, weight, *geometry)
        half = deform_conv2d(inputs, offset.bfloat16(), weight, *geometry)
    assert torch.equal(out, expected)
    assert half.dtype == torch.bfloat16  # that of the offset, as in mmcv


@pytest.mark.parametrize(
    ('name', 'value', 'match'),
    [
        ('inputs', torch.zeros(4, 6, 7), 'must have four axes'),
        ('inputs', torch.zeros(2, 5, 6, 7), 'takes 12 channels, but inputs have 5'),
        ('inputs', torch.zeros(2, 12, 0, 7), '0 x 7 pixels are too small'),
        ('offset', torch.zeros(2, 6, 6, 8), r'offset must have shape \(2, 12, 6, 8\)'),
        ('mask', torch.zeros(2, 6, 5, 8), r'mask must have shape \(2, 6, 6, 8\)'),
        ('deform_groups', 5, 'deform_groups=5 does not divide the 12 channels'),
    ],
)
def test_wrong_shapes_are_named(name, value, match):
    names = ('inputs', 'offset', 'mask', 'weight')
    args = dict(zip(names, make_operands(GEOMETRIES['plain'])), padding=1)
    with pytest.raises(ValueError, match=match):
        modulated_deform_conv2d(**{**args, name: value})


@pytest.mark.skipif(not has_compiled_ops(), reason='mmcv has no compiled operators')
@pytest.mark.parametrize('geometry', GEOMETRIES.values(), ids=GEOMETRIES)
def test_equals_compiled_operator(geometry):
    operands = make_operands(geometry)
    compiled = modulated_deform_conv2d(*operands[:4], None, *geometry)
    own = deform_conv2d_torch(*operands[:4], ConvGeometry(*geometry))
    torch.testing.assert_close(own, compiled, rtol=0, atol=2e-5)
