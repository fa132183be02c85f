"""Implementation of deformable convolution in plain PyTorch."""

from collections.abc import Callable
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

    Sampling and the kernel's product are both linear in the channels, so that either
    may come first: :func:`_unfold` samples, :func:`_project` multiplies first. What
    they hold in between exists for some maps of the batch at a time; the backward pass
    computes it again.

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
    convolve, at_once = _choose_order(inputs, offset, weight, geometry)
    outputs = []
    # The products inside are to stay in float32 under autocast.
    with torch.autocast(inputs.device.type, enabled=False):
        for begin in range(0, len(inputs), at_once):
            part = slice(begin, begin + at_once)
            factors = None if mask is None else mask[part]
            args = (inputs[part], offset[part], factors, weight, geometry)
            if torch.is_grad_enabled():
                out = checkpoint(
                    convolve, *args, use_reentrant=False, preserve_rng_state=False
                )
            else:
                out = convolve(*args)
            outputs.append(out)
    if not outputs:
        size = (0, len(weight), *offset.shape[2:])
        return inputs.new_zeros(size) + inputs.sum() + weight.sum() + offset.sum()
    return torch.cat(outputs)


def _choose_order(
    inputs: Tensor, offset: Tensor, weight: Tensor, geometry: ConvGeometry
) -> tuple[Callable[..., Tensor], int]:
    """Choose what comes first, and how many maps are convolved at once.

    Unfolding is faster while the unfolded input stays in the cache. Larger ones cost
    more than the projection, unless that is much larger itself, or groups and
    deformable groups differ: then it would be summed up once for each pair of them.
    """
    C_out, _, kh, kw = weight.shape
    C = inputs.shape[1]
    unfolded = C * kh * kw * offset.shape[2] * offset.shape[3]
    is_small = unfolded <= memory_limits.UNFOLDED_NUMBERS_AT_ONCE
    if is_small or geometry.groups != geometry.deform_groups or C_out > 2 * C:
        return _unfold, max(1, memory_limits.UNFOLDED_NUMBERS_AT_ONCE // unfolded)
    projected = C_out * kh * kw * inputs.shape[2] * inputs.shape[3]
    return _project, max(1, memory_limits.PROJECTED_NUMBERS_AT_ONCE // projected)


def _unfold(
    inputs: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    geometry: ConvGeometry,
) -> Tensor:
    """Sample what each tap of each output sees, then multiply by the kernel.

    The unfolded input has C * kh * kw numbers for each output pixel.
    """
    B, C, H, W = inputs.shape
    C_out, _, kh, kw = weight.shape
    H_out, W_out = offset.shape[2:]
    G, D, K = geometry.groups, geometry.deform_groups, kh * kw
    rows, weights = _sampled_rows(
        offset.reshape(B * D, kh, kw, 2, H_out, W_out),
        None if mask is None else mask.reshape(B * D, kh, kw, H_out, W_out),
        geometry,
        (H, W),
    )
    table = inputs.reshape(B * D, C // D, H * W).transpose(1, 2).flatten(0, 1)
    samples = weighted_row_sums(table, rows.view(-1, 4), weights.view(-1, 4))
    samples = samples.view(B, D, H_out * W_out, K, C // D)
    columns = samples.permute(0, 1, 4, 3, 2)  # (B, D, C/D, K, H_out*W_out)
    columns = columns.reshape(B, G, C // G * K, H_out * W_out)
    out = weight.view(G, C_out // G, C // G * K) @ columns
    return out.view(B, C_out, H_out, W_out)


def _project(
    inputs: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    geometry: ConvGeometry,
) -> Tensor:
    """Multiply by the kernel, then sum up what is at the shifted positions.

    Each pixel is projected to what it gives each output through each tap,
    C_out * kh * kw numbers, and an output is one weighted sum of 4 * kh * kw rows of
    them. Groups are also the deformable groups.
    """
    B, C, H, W = inputs.shape
    C_out, _, kh, kw = weight.shape
    H_out, W_out = offset.shape[2:]
    G, K = geometry.groups, kh * kw
    shifts = offset.view(B, G, kh, kw, 2, H_out, W_out)
    factors = None if mask is None else mask.view(B, G, kh, kw, H_out, W_out)
    pixels = inputs.view(B, G, C // G, H * W).transpose(2, 3)  # (B, G, H*W, C/G)
    kernels = weight.view(G, C_out // G, C // G, K).permute(0, 2, 3, 1).flatten(2)
    outputs = []
    for g in range(G):
        factor = None if factors is None else factors[:, g]
        rows, weights = _sampled_rows(shifts[:, g], factor, geometry, (H, W), K)
        table = (pixels[:, g] @ kernels[g]).view(-1, C_out // G)  # (B*H*W*K, C_out/G)
        outputs.append(
            weighted_row_sums(table, rows.view(-1, 4 * K), weights.view(-1, 4 * K))
        )
    out = torch.cat(outputs, dim=1).view(B, H_out * W_out, C_out)
    return out.transpose(1, 2).reshape(B, C_out, H_out, W_out)


def _sampled_rows(
    offset: Tensor,
    mask: Tensor | None,
    geometry: ConvGeometry,
    size: tuple[int, int],
    rows_per_pixel: int = 1,
) -> tuple[Tensor, Tensor]:
    """Find the rows of the four pixels around each tap in N maps, and their weights.

    ``offset`` has shape (N, kh, kw, 2, H_out, W_out), ``mask`` (N, kh, kw, H_out,
    W_out), ``size`` is (H, W). A pixel has one row, or one for each of the kh * kw
    taps. Both results have shape (N, H_out, W_out, kh, kw, 4).
    """
    N, kh, kw, _, H_out, W_out = offset.shape
    height, width = size[0], size[1] * rows_per_pixel
    offset = offset.permute(0, 4, 5, 1, 2, 3)  # (N, H_out, W_out, kh, kw, 2)
    y0 = _axis_positions(geometry, 0, kh, H_out, offset).view(H_out, 1, kh, 1)
    x0 = _axis_positions(geometry, 1, kw, W_out, offset).view(W_out, 1, kw)
    left, right, left_weight, right_weight = zero_padded_taps(
        x0 + offset[..., 1], size[1]
    )
    first_row = torch.arange(N, device=offset.device) * (height * width)
    tap = torch.arange(kh * kw, device=offset.device) % rows_per_pixel
    rows, weights = corner_rows(
        first_row.view(N, 1, 1, 1, 1) + tap.view(kh, kw),
        zero_padded_taps(y0 + offset[..., 0], height),
        (left * rows_per_pixel, right * rows_per_pixel, left_weight, right_weight),
        width,
    )
    if mask is not None:
        weights = weights * mask.permute(0, 3, 4, 1, 2)[..., None]
    return rows, weights


def _axis_positions(
    geometry: ConvGeometry, axis: int, taps: int, outputs: int, like: Tensor
) -> Tensor:
    """Place the taps of an undeformed kernel on one axis: (outputs, taps)."""
    tap = torch.arange(taps, device=like.device) * geometry.dilation[axis]
    start = torch.arange(outputs, device=like.device) * geometry.stride[axis]
    return (start[:, None] - geometry.padding[axis] + tap).to(like.dtype)
