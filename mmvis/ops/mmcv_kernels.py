"""Functions of ``mmcv._ext`` on top of the operators in plain PyTorch.

They have mmcv's names and arguments and write into the tensors that they are
given. With them mmcv's own layers work without compiled code: ``RoIAlign``,
``DeformConv2dPack`` ('DCN'), ``ModulatedDeformConv2dPack`` ('DCNv2'), and what
MMDetection builds on them (RoI extractors, ``BitmapMasks.crop_and_resize``).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from mmvis.ops.deform_conv_torch import ConvGeometry, deform_conv2d_torch
from mmvis.ops.roi_align_torch import roi_align_max, roi_align_torch
from mmvis.ops.sampling import clamped_taps, corner_rows

__all__ = ['KERNELS']


def _roi_align_forward(
    inputs: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Write the pooled regions into ``output``; in 'max' mode (0), where they lie too.

    ``argmax_y`` and ``argmax_x`` receive the coordinates of the maxima.
    """
    inputs, rois = _at_least_float32(inputs, rois)
    size = (aligned_height, aligned_width)
    if pool_mode == 0:
        pooled = roi_align_max(
            inputs, rois, size, spatial_scale, sampling_ratio, aligned
        )
        for target, values in zip((output, argmax_y, argmax_x), pooled):
            target.copy_(values)
        return
    args = (size, spatial_scale, sampling_ratio, 'avg', aligned)
    output.copy_(roi_align_torch(inputs, rois, *args))


def _roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Add the gradient of the maps to ``grad_input``."""
    grad, rois, argmax_y, argmax_x = _at_least_float32(
        grad_output, rois, argmax_y, argmax_x
    )
    if pool_mode == 0:
        grad_input += _scatter_to_points(
            grad, rois[:, 0].long(), argmax_y, argmax_x, grad_input.shape
        )
        return
    # The mean is linear in the maps: any maps have the same gradient.
    maps = torch.zeros(grad_input.shape, dtype=grad.dtype, device=grad.device)
    args = ((aligned_height, aligned_width), spatial_scale, sampling_ratio, 'avg')
    with torch.enable_grad():
        maps.requires_grad_()
        pooled = roi_align_torch(maps, rois, *args, aligned)
    grad_input += torch.autograd.grad(pooled, maps, grad)[0]


def _scatter_to_points(
    grad: Tensor, batch_inds: Tensor, y: Tensor, x: Tensor, shape: torch.Size
) -> Tensor:
    """Hand gradients (N, C, h, w) back to the pixels around y and x, of that shape."""
    B, C, H, W = shape
    maps = batch_inds[:, None] * C + torch.arange(C, device=grad.device)  # (N, C)
    rows, weights = corner_rows(
        maps[:, :, None, None] * (H * W), clamped_taps(y, H), clamped_taps(x, W), W
    )
    sampled = (y != -1) & (x != -1)
    values = weights * (grad * sampled)[..., None]
    flat = grad.new_zeros(B * C * H * W).index_add(0, rows.flatten(), values.flatten())
    return flat.view(shape)


def _deform_conv_forward(
    inputs: Tensor,
    weight: Tensor,
    offset: Tensor,
    output: Tensor,
    columns: Tensor,
    ones: Tensor,
    **geometry: int,
) -> None:
    """Write the convolution into ``output``; the two buffers are not needed."""
    inputs, offset, weight = _at_least_float32(inputs, offset, weight)
    out = deform_conv2d_torch(inputs, offset, None, weight, _v1_geometry(geometry))
    output.copy_(out)


def _deform_conv_backward_input(
    inputs: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_input: Tensor,
    grad_offset: Tensor,
    weight: Tensor,
    columns: Tensor,
    **geometry: int,
) -> None:
    """Add the gradients of maps and offsets to ``grad_input``, ``grad_offset``."""
    _add_gradients(
        {'inputs': inputs, 'offset': offset, 'weight': weight},
        {'inputs': grad_input, 'offset': grad_offset},
        grad_output,
        _v1_geometry(geometry),
    )


def _deform_conv_backward_parameters(
    inputs: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_weight: Tensor,
    columns: Tensor,
    ones: Tensor,
    scale: float,
    **geometry: int,
) -> None:
    """Add ``scale`` times the gradient of the kernel to ``grad_weight``."""
    _add_gradients(
        {'inputs': inputs, 'offset': offset, 'weight': torch.zeros_like(grad_weight)},
        {'weight': grad_weight},
        grad_output * scale,
        _v1_geometry(geometry),
    )


def _modulated_deform_conv_forward(
    inputs: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    output: Tensor,
    columns: Tensor,
    *,
    with_bias: bool,
    **geometry: int,
) -> None:
    """Write the convolution into ``output``; the two buffers are not needed."""
    inputs, offset, mask, weight = _at_least_float32(inputs, offset, mask, weight)
    out = deform_conv2d_torch(inputs, offset, mask, weight, _v2_geometry(geometry))
    output.copy_(out)
    if with_bias:
        output += bias[:, None, None]


def _modulated_deform_conv_backward(
    inputs: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    columns: Tensor,
    grad_input: Tensor,
    grad_weight: Tensor,
    grad_bias: Tensor,
    grad_offset: Tensor,
    grad_mask: Tensor,
    grad_output: Tensor,
    *,
    with_bias: bool,
    **geometry: int,
) -> None:
    """Add the gradients of everything to the tensors ``grad_*``."""
    _add_gradients(
        {'inputs': inputs, 'offset': offset, 'mask': mask, 'weight': weight},
        {
            'inputs': grad_input,
            'offset': grad_offset,
            'mask': grad_mask,
            'weight': grad_weight,
        },
        grad_output,
        _v2_geometry(geometry),
    )
    if with_bias:
        grad_bias += grad_output.sum((0, 2, 3))


def _add_gradients(
    operands: dict[str, Tensor],
    grads: dict[str, Tensor],
    grad_output: Tensor,
    geometry: ConvGeometry,
) -> None:
    """Convolve again with gradients, and add those asked for to ``grads``."""
    names = list(operands)
    leaves = dict(zip(names, _at_least_float32(*operands.values())))
    leaves = {name: leaf.detach() for name, leaf in leaves.items()}
    wanted = [leaves[name].requires_grad_() for name in grads]
    with torch.enable_grad():
        out = deform_conv2d_torch(
            leaves['inputs'],
            leaves['offset'],
            leaves.get('mask'),
            leaves['weight'],
            geometry,
        )
    found = torch.autograd.grad(out, wanted, grad_output.to(out.dtype))
    for grad, more in zip(grads.values(), found):
        grad += more


def _v1_geometry(args: dict[str, int]) -> ConvGeometry:
    return ConvGeometry(
        (args['dH'], args['dW']),
        (args['padH'], args['padW']),
        (args['dilationH'], args['dilationW']),
        args['group'],
        args['deformable_group'],
    )


def _v2_geometry(args: dict[str, int]) -> ConvGeometry:
    return ConvGeometry(
        (args['stride_h'], args['stride_w']),
        (args['pad_h'], args['pad_w']),
        (args['dilation_h'], args['dilation_w']),
        args['group'],
        args['deformable_group'],
    )


def _at_least_float32(*tensors: Tensor) -> list[Tensor]:
    dtype = torch.promote_types(tensors[0].dtype, torch.float32)
    return [tensor.detach().to(dtype) for tensor in tensors]


def _not_compiled() -> str:
    return 'not available'


#: Functions of ``mmcv._ext`` that work without compiled code.
KERNELS: dict[str, Callable] = {
    'roi_align_forward': _roi_align_forward,
    'roi_align_backward': _roi_align_backward,
    'deform_conv_forward': _deform_conv_forward,
    'deform_conv_backward_input': _deform_conv_backward_input,
    'deform_conv_backward_parameters': _deform_conv_backward_parameters,
    'modulated_deform_conv_forward': _modulated_deform_conv_forward,
    'modulated_deform_conv_backward': _modulated_deform_conv_backward,
    'get_compiler_version': _not_compiled,
    'get_compiling_cuda_version': _not_compiled,
}
