"""Operators that mmcv only offers compiled, in plain PyTorch."""

from mmvis.ops.mmcv_ext import ensure_mmcv_ext

__all__ = ['ensure_mmcv_ext']
