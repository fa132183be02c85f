"""Deformable convolution in plain PyTorch, with the results of mmcv's operators."""

import torch
from torch import Tensor

from mmvis.errors import UserValueError
from mmvis.ops.deform_conv_torch import ConvGeometry, deform_conv2d_torch
from mmvis.ops.mmcv_ext import has_compiled_ops

__all__ = ['deform_conv2d', 'modulated_deform_conv2d']

IntPair = int | tuple[int, int]


def deform_conv2d(
    inputs: Tensor,
    offset: Tensor,
    weight: Tensor,
    stride: IntPair = 1,
    padding: IntPair = 0,
    dilation: IntPair = 1,
    groups: int = 1,
    deform_groups: int = 1,
) -> Tensor:
    """Convolve at positions shifted by learned offsets.

    Deformable convolutional networks (Dai et al., ICCV 2017), Sec. 2.1. Uses mmcv's
    compiled operator where there is one. Half precision is computed in float32.

    Args:
        inputs (Tensor): Feature maps, shape (B, C, H, W).
        offset (Tensor): Shift of each tap in pixels, shape
            (B, deform_groups * kh * kw * 2, H_out, W_out); the channels are
            (dy, dx) of tap after tap, row by row, group after group.
        weight (Tensor): Kernel, shape (C_out, C / groups, kh, kw).
        stride (int | tuple[int, int]): Pixels between outputs. Defaults to 1.
        padding (int | tuple[int, int]): Zeros around the map. Defaults to 0.
        dilation (int | tuple[int, int]): Pixels between taps. Defaults to 1.
        groups (int): Groups of channels of the convolution. Defaults to 1.
        deform_groups (int): Groups of channels with offsets of their own.
            Defaults to 1.

    Returns:
        Tensor: Features, shape (B, C_out, H_out, W_out), dtype of ``offset``, as
        mmcv has it.

    Raises:
        ValueError: If the shapes do not fit each other.
    """
    geometry = _geometry(stride, padding, dilation, groups, deform_groups)
    _check(inputs, offset, None, weight, geometry)
    dtype = torch.promote_types(offset.dtype, torch.float32)
    inputs, shifts, weight = (x.to(dtype) for x in (inputs, offset, weight))
    if has_compiled_ops():
        from mmcv.ops.deform_conv import deform_conv2d as compiled_deform_conv2d

        maps_at_once = max(n for n in range(1, 33) if len(inputs) % n == 0)
        out = compiled_deform_conv2d(
            inputs, shifts, weight, *geometry, False, maps_at_once
        )
    else:
        out = deform_conv2d_torch(inputs, shifts, None, weight, geometry)
    return out.to(offset.dtype)


def modulated_deform_conv2d(
    inputs: Tensor,
    offset: Tensor,
    mask: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: IntPair = 1,
    padding: IntPair = 0,
    dilation: IntPair = 1,
    groups: int = 1,
    deform_groups: int = 1,
) -> Tensor:
    """Convolve at shifted positions, each tap weighted by a learned factor.

    Deformable ConvNets v2 (Zhu et al., CVPR 2019), Sec. 3.2. Uses mmcv's compiled
    operator where there is one. Half precision is computed in float32.

    Args:
        inputs (Tensor): As of :func:`deform_conv2d`.
        offset (Tensor): As of :func:`deform_conv2d`.
        mask (Tensor): Factor of each tap, shape
            (B, deform_groups * kh * kw, H_out, W_out).
        weight (Tensor): As of :func:`deform_conv2d`.
        bias (Tensor | None): Added to each channel, shape (C_out,). Defaults to
            None.
        stride (int | tuple[int, int]): As of :func:`deform_conv2d`.
        padding (int | tuple[int, int]): As of :func:`deform_conv2d`.
        dilation (int | tuple[int, int]): As of :func:`deform_conv2d`.
        groups (int): As of :func:`deform_conv2d`.
        deform_groups (int): As of :func:`deform_conv2d`.

    Returns:
        Tensor: Features, shape (B, C_out, H_out, W_out), dtype of ``offset``.

    Raises:
        ValueError: If the shapes do not fit each other.
    """
    geometry = _geometry(stride, padding, dilation, groups, deform_groups)
    _check(inputs, offset, mask, weight, geometry)
    dtype = torch.promote_types(offset.dtype, torch.float32)
    inputs, shifts, mask, weight = (x.to(dtype) for x in (inputs, offset, mask, weight))
    bias = None if bias is None else bias.to(dtype)
    if has_compiled_ops():
        from mmcv.ops.modulated_deform_conv import (
            modulated_deform_conv2d as compiled_modulated_deform_conv2d,
        )

        out = compiled_modulated_deform_conv2d(
            inputs, shifts, mask, weight, bias, *geometry
        )
    else:
        out = deform_conv2d_torch(inputs, shifts, mask, weight, geometry)
        out = out if bias is None else out + bias[:, None, None]
    return out.to(offset.dtype)


def _geometry(
    stride: IntPair,
    padding: IntPair,
    dilation: IntPair,
    groups: int,
    deform_groups: int,
) -> ConvGeometry:
    return ConvGeometry(
        _pair(stride), _pair(padding), _pair(dilation), groups, deform_groups
    )


def _pair(value: IntPair) -> tuple[int, int]:
    first, second = (value, value) if isinstance(value, int) else value
    return first, second


def _check(
    inputs: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    geometry: ConvGeometry,
) -> None:
    """Raise an error that names the first shape that does not fit."""
    if inputs.dim() != 4 or weight.dim() != 4:
        raise UserValueError(
            'inputs and weight must have four axes, (B, C, H, W) and '
            f'(C_out, C / groups, kh, kw), got {tuple(inputs.shape)} and '
            f'{tuple(weight.shape)}.'
        )
    B, C, H, W = inputs.shape
    C_out, channels, kh, kw = weight.shape
    groups, deform_groups = geometry.groups, geometry.deform_groups
    if channels * groups != C or C_out % groups:
        raise UserValueError(
            f'weight {tuple(weight.shape)} with groups={groups} takes '
            f'{channels * groups} channels, but inputs have {C}.'
        )
    if C % deform_groups:
        raise UserValueError(
            f'deform_groups={deform_groups} does not divide the {C} channels of inputs.'
        )
    size = geometry.output_size(H, W, (kh, kw))
    if min(size) < 1:
        raise UserValueError(
            f'inputs of {H} x {W} pixels are too small for the kernel: the output '
            f'would have {size[0]} x {size[1]}.'
        )
    taps = deform_groups * kh * kw
    for name, tensor, count in (('offset', offset, 2 * taps), ('mask', mask, taps)):
        if tensor is not None and tensor.shape != (B, count, *size):
            raise UserValueError(
                f'{name} must have shape {(B, count, *size)}, got '
                f'{tuple(tensor.shape)}.'
            )
