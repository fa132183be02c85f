"""Operators in plain PyTorch that mmcv has only compiled."""

from mmvis.ops.deform_conv import deform_conv2d, modulated_deform_conv2d
from mmvis.ops.mmcv_ext import has_compiled_ops
from mmvis.ops.paste_masks import paste_masks
from mmvis.ops.roi_align import roi_align, roi_align_layout

__all__ = [
    'deform_conv2d',
    'has_compiled_ops',
    'modulated_deform_conv2d',
    'paste_masks',
    'roi_align',
    'roi_align_layout',
]
