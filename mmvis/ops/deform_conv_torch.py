"""Implementation of deformable convolution in plain PyTorch."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from mmvis import memory_limits
from mmvis.ops.sampling import corner_rows, weighted_row_sums, zero_padded_taps

__all__ = ['ConvGeometry', 'deform_conv2d_torch']


class ConvGeometry(NamedTuple):
    """How a kernel moves over its input.

    Attributes:
        stride (tuple[int, int]): Pixels between outputs, (y, x).
        padding (tuple[int, int]): Zeros around the map, (y, x).
        dilation (tuple[int, int]): Pixels between taps, (y, x).
        groups (int): Groups of channels of the convolution.
        deform_groups (int): Groups of channels with offsets of their own.
    """

    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    deform_groups: int

    def output_size(self, height: int, width: int, kernel: tuple) -> tuple[int, int]:
        """Compute (height, width) of the output for a kernel of (kh, kw) taps."""
        return tuple(
            (size + 2 * p - d * (k - 1) - 1) // s + 1
            for size, s, p, d, k in zip(
                (height, width), self.stride, self.padding, self.dilation, kernel
            )
        )


def deform_conv2d_torch(
    inputs: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    geometry: ConvGeometry,
) -> Tensor:
    """Compute a deformable convolution, modulated or not, without bias.

    Sampling and the kernel's product are both linear in the channels, so that the
    product may come first: each pixel is projected to what it gives each output through
    each tap, C_out * kh * kw numbers, and an output is one weighted sum of 4 * kh * kw
    rows of them. The unfolded input does not exist. The projection does for some maps
    of the batch at a time; the backward pass computes it again.

    Args:
        inputs (Tensor): Feature maps, float32 or float64, shape (B, C, H, W).
        offset (Tensor): Shift of each tap in pixels, shape
            (B, deform_groups * kh * kw * 2, H_out, W_out), (dy, dx) interleaved.
        mask (Tensor | None): Factor of each tap, shape
            (B, deform_groups * kh * kw, H_out, W_out); None is 1.
        weight (Tensor): Kernel, shape (C_out, C / groups, kh, kw).
        geometry (ConvGeometry): How the kernel moves.

    Returns:
        Tensor: Features, shape (B, C_out, H_out, W_out).
    """
    C_out, _, kh, kw = weight.shape
    numbers_per_map = C_out * kh * kw * inputs.shape[2] * inputs.shape[3]
    at_once = max(1, memory_limits.PROJECTED_NUMBERS_AT_ONCE // max(1, numbers_per_map))
    outputs = []
    # The products inside are to stay in float32 under autocast.
    with torch.autocast(inputs.device.type, enabled=False):
        for begin in range(0, len(inputs), at_once):
            part = slice(begin, begin + at_once)
            factors = None if mask is None else mask[part]
            args = (inputs[part], offset[part], factors, weight, geometry)
            if torch.is_grad_enabled():
                out = checkpoint(
                    _convolve, *args, use_reentrant=False, preserve_rng_state=False
                )
            else:
                out = _convolve(*args)
            outputs.append(out)
    if not outputs:
        size = (0, C_out, *offset.shape[2:])
        return inputs.new_zeros(size) + inputs.sum() + weight.sum() + offset.sum()
    return torch.cat(outputs)


def _convolve(
    inputs: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    geometry: ConvGeometry,
) -> Tensor:
    """Project the input by the kernel and sum it up at the shifted positions."""
    B, C, H, W = inputs.shape
    C_out, _, kh, kw = weight.shape
    H_out, W_out = offset.shape[2:]
    G, D = geometry.groups, geometry.deform_groups
    factors = None if mask is None else mask.view(B, D, kh, kw, H_out, W_out)
    samples = [
        _sampled_rows(shift, None if factors is None else factors[:, d], geometry, H, W)
        for d, shift in enumerate(offset.view(B, D, kh, kw, 2, H_out, W_out).unbind(1))
    ]
    pixels = inputs.flatten(2).transpose(1, 2)  # (B, H*W, C)
    kernels = weight.view(G, C_out // G, C // G, kh * kw)
    outputs = [0] * G
    for g, d, channels, own in _channel_runs(C, G, D):
        kernel = kernels[g, :, own].permute(1, 2, 0).flatten(1)  # (c, K*C_out/G)
        table = (pixels[..., channels] @ kernel).view(-1, C_out // G)
        outputs[g] = outputs[g] + weighted_row_sums(table, *samples[d])
    out = torch.cat(outputs, dim=1).view(B, H_out * W_out, C_out)
    return out.transpose(1, 2).reshape(B, C_out, H_out, W_out)


def _channel_runs(
    channels: int, groups: int, deform_groups: int
) -> Iterator[tuple[int, int, slice, slice]]:
    """Divide the channels into runs of one group of either kind.

    Yields:
        tuple[int, int, slice, slice]: Group, deformable group, the run among all
        channels, and among those of its group.
    """
    per_group, per_deform_group = channels // groups, channels // deform_groups
    starts = {*range(0, channels, per_group), *range(0, channels, per_deform_group)}
    for start, stop in pairwise([*sorted(starts), channels]):
        g = start // per_group
        first = g * per_group
        yield (
            g,
            start // per_deform_group,
            slice(start, stop),
            slice(start - first, stop - first),
        )


def _sampled_rows(
    offset: Tensor,
    mask: Tensor | None,
    geometry: ConvGeometry,
    height: int,
    width: int,
) -> tuple[Tensor, Tensor]:
    """Find the rows of each output in a table of B*H*W*K rows, and their weights.

    ``offset`` has shape (B, kh, kw, 2, H_out, W_out), ``mask`` (B, kh, kw, H_out,
    W_out); both results have shape (B*H_out*W_out, 4*kh*kw).
    """
    B, kh, kw, _, H_out, W_out = offset.shape
    K = kh * kw
    offset = offset.permute(0, 4, 5, 1, 2, 3)  # (B, H_out, W_out, kh, kw, 2)
    y0 = _axis_positions(geometry, 0, kh, H_out, offset).view(H_out, 1, kh, 1)
    x0 = _axis_positions(geometry, 1, kw, W_out, offset).view(W_out, 1, kw)
    left, right, *x_weights = zero_padded_taps(x0 + offset[..., 1], width)
    first_map = torch.arange(B, device=offset.device) * (height * width * K)
    tap = torch.arange(K, device=offset.device).view(kh, kw)
    rows, weights = corner_rows(
        first_map.view(B, 1, 1, 1, 1) + tap,
        zero_padded_taps(y0 + offset[..., 0], height),
        (left * K, right * K, *x_weights),
        width * K,
    )
    if mask is not None:
        weights = weights * mask.permute(0, 3, 4, 1, 2)[..., None]
    return rows.view(-1, 4 * K), weights.reshape(-1, 4 * K)


def _axis_positions(
    geometry: ConvGeometry, axis: int, taps: int, outputs: int, like: Tensor
) -> Tensor:
    """Place the taps of an undeformed kernel on one axis: (outputs, taps)."""
    tap = torch.arange(taps, device=like.device) * geometry.dilation[axis]
    start = torch.arange(outputs, device=like.device) * geometry.stride[axis]
    return (start[:, None] - geometry.padding[axis] + tap).to(like.dtype)
