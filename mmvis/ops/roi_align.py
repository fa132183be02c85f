"""RoIAlign in plain PyTorch, with the results of mmcv's compiled operator."""

import torch
from torch import Tensor

from mmvis.errors import UserValueError
from mmvis.ops.mmcv_ext import has_compiled_ops
from mmvis.ops.roi_align_torch import roi_align_torch

__all__ = ['roi_align', 'roi_align_layout']


def roi_align(
    inputs: Tensor,
    rois: Tensor,
    output_size: int | tuple[int, int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = 0,
    pool_mode: str = 'avg',
    aligned: bool = True,
) -> Tensor:
    """Pool each region of interest into a grid of bins, sampling bilinearly.

    Mask R-CNN (He et al., ICCV 2017), Sec. 3. Uses mmcv's compiled operator where
    there is one. Half precision is computed in float32.

    Args:
        inputs (Tensor): Feature maps, shape (B, C, H, W).
        rois (Tensor): Regions as (batch index, x1, y1, x2, y2), shape (N, 5); the
            coordinates in pixels of the image. No gradient flows to them.
        output_size (int | tuple[int, int]): Bins as (height, width).
        spatial_scale (float): Pixels of the map per pixel of the image. Defaults
            to 1.0.
        sampling_ratio (int): Samples per bin and axis; 0 takes one per started
            pixel of the map. Defaults to 0.
        pool_mode (str): 'avg' or 'max' over the samples of a bin. Defaults to
            'avg'.
        aligned (bool): Whether pixel centres lie at half coordinates; if not, a
            region has at least one pixel. Defaults to True.

    Returns:
        Tensor: Pooled features, shape (N, C, height, width), dtype of ``inputs``.

    Raises:
        ValueError: If a shape, ``sampling_ratio`` or ``pool_mode`` is none of
            those above.
    """
    _check(inputs, rois, sampling_ratio, pool_mode)
    if isinstance(output_size, int):
        output_size = (output_size, output_size)
    dtype = torch.promote_types(inputs.dtype, torch.float32)
    args = (output_size, spatial_scale, sampling_ratio, pool_mode, aligned)
    if has_compiled_ops():
        from mmcv.ops.roi_align import roi_align as compiled_roi_align

        pooled = compiled_roi_align(inputs.to(dtype), rois.to(dtype), *args)
    else:
        pooled = roi_align_torch(inputs.to(dtype), rois.to(dtype), *args)
    return pooled.to(inputs.dtype)


def roi_align_layout(inputs: Tensor) -> Tensor:
    """Lay feature maps out in memory as :func:`roi_align` reads them.

    Without compiled code that is channels last. Maps that are pooled several times are
    then copied once, and not each time.

    Args:
        inputs (Tensor): Feature maps, shape (B, C, H, W).

    Returns:
        Tensor: The same values and shape.
    """
    if has_compiled_ops():
        return inputs
    return inputs.contiguous(memory_format=torch.channels_last)


def _check(inputs: Tensor, rois: Tensor, sampling_ratio: int, pool_mode: str) -> None:
    if inputs.dim() != 4:
        raise UserValueError(
            f'inputs must have shape (B, C, H, W), got {tuple(inputs.shape)}.'
        )
    if rois.dim() != 2 or rois.shape[1] != 5:
        raise UserValueError(
            'rois must have shape (N, 5), each (batch index, x1, y1, x2, y2), got '
            f'{tuple(rois.shape)}. Put the batch index before the box.'
        )
    if sampling_ratio < 0:
        raise UserValueError(
            f'sampling_ratio must be 0 (adaptive) or more, got {sampling_ratio}.'
        )
    if pool_mode not in ('avg', 'max'):
        raise UserValueError(f"pool_mode must be 'avg' or 'max', got {pool_mode!r}.")
