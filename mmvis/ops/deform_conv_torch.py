"""The unfolding behind both kinds of deformable convolution, in plain PyTorch."""

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

    The unfolded input, C * kh * kw numbers per output pixel, exists only for some
    maps of the batch at a time; the backward pass computes it again.

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
    taps = weight.shape[2] * weight.shape[3]
    numbers_per_map = inputs.shape[1] * taps * offset.shape[2] * offset.shape[3]
    maps_at_once = max(1, memory_limits.COLUMN_NUMBERS_AT_ONCE // numbers_per_map)
    outputs = []
    # The products inside are to stay in float32 under autocast.
    with torch.autocast(inputs.device.type, enabled=False):
        for part in _parts(len(inputs), maps_at_once):
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
        size = (0, weight.shape[0], *offset.shape[2:])
        return inputs.new_zeros(size) + inputs.sum() + weight.sum() + offset.sum()
    return torch.cat(outputs)


def _parts(total: int, size: int) -> list[slice]:
    return [slice(begin, begin + size) for begin in range(0, total, size)]


def _convolve(
    inputs: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    geometry: ConvGeometry,
) -> Tensor:
    """Unfold the input at the shifted positions and multiply by the kernel."""
    B, C, H, W = inputs.shape
    C_out, _, kh, kw = weight.shape
    H_out, W_out = offset.shape[2:]
    G, D, K = geometry.groups, geometry.deform_groups, kh * kw
    rows, weights = _shifted_rows(
        offset.reshape(B, D, kh, kw, 2, H_out, W_out), geometry, (H, W)
    )
    if mask is not None:
        weights = weights * mask.reshape(B, D, kh, kw, H_out, W_out, 1)
    table = inputs.reshape(B, D, C // D, H, W).permute(0, 1, 3, 4, 2)
    table = table.reshape(B * D * H * W, C // D)
    columns = weighted_row_sums(table, rows.view(-1, 4), weights.view(-1, 4))
    columns = columns.view(B, D, K, H_out * W_out, C // D)
    columns = columns.permute(0, 1, 4, 2, 3)  # (B, D, C/D, K, H_out*W_out)
    columns = columns.reshape(B, G, C // G * K, H_out * W_out)
    kernel = weight.reshape(G, C_out // G, C // G * K)
    return (kernel @ columns).view(B, C_out, H_out, W_out)


def _shifted_rows(
    offset: Tensor, geometry: ConvGeometry, size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Find the four rows of each tap in a table of B*D*H*W rows, and their weights.

    ``offset`` has shape (B, D, kh, kw, 2, H_out, W_out), ``size`` is (H, W); both
    results have shape (B, D, kh, kw, H_out, W_out, 4).
    """
    B, D, kh, kw, _, H_out, W_out = offset.shape
    height, width = size
    y0 = _axis_positions(geometry, 0, kh, H_out, offset).view(kh, 1, H_out, 1)
    x0 = _axis_positions(geometry, 1, kw, W_out, offset).view(1, kw, 1, W_out)
    first_row = torch.arange(B * D, device=offset.device) * (height * width)
    return corner_rows(
        first_row.view(B, D, 1, 1, 1, 1),
        zero_padded_taps(y0 + offset[:, :, :, :, 0], height),
        zero_padded_taps(x0 + offset[:, :, :, :, 1], width),
        width,
    )


def _axis_positions(
    geometry: ConvGeometry, axis: int, taps: int, outputs: int, like: Tensor
) -> Tensor:
    """Place the taps of an undeformed kernel on one axis: (taps, outputs)."""
    tap = torch.arange(taps, device=like.device)[:, None] * geometry.dilation[axis]
    start = torch.arange(outputs, device=like.device) * geometry.stride[axis]
    return (start - geometry.padding[axis] + tap).to(like.dtype)
