"""Comparison of masks on a grid or at sampled points."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from mmcv.ops import point_sample
from mmdet.models.utils import get_uncertain_point_coords_with_randomness
from torch import Tensor
from torch.nn import functional as F

from mmvis.errors import UserValueError
from mmvis.registry import TASK_UTILS

__all__ = ['DenseMasks', 'PointMasks']


@TASK_UTILS.register_module()
class DenseMasks:
    """Comparison of masks in all cells of a grid.

    Targets are shrunk bilinearly (soft borders), predictions enlarged bilinearly.

    Args:
        mask_stride (int): Side of a cell, in pixels of the input. Defaults to 4.
    """

    def __init__(self, mask_stride: int = 4) -> None:
        self.mask_stride = mask_stride

    def prepare(self, masks: Tensor) -> Tensor:
        """Bring targets (N, T, H, W) to the size at which they are compared."""
        size = [math.ceil(s / self.mask_stride) for s in masks.shape[-2:]]
        return _resize(masks, size)

    def pairs(self, logits: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Values that losses compare.

        Args:
            logits (Tensor): Predictions of matched queries, shape (N, T, h, w).
            masks (Tensor): Their prepared targets, shape (N, T, H', W').

        Returns:
            tuple[Tensor, Tensor]: Logits and targets, both of shape (N, T, P).
        """
        return _resize(logits, masks.shape[-2:]).flatten(2), masks.flatten(2)

    def candidates(self, logits: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Values that match costs compare, each query with each target.

        Args:
            logits (Tensor): Predictions of all queries, shape (Q, T, h, w).
            masks (Tensor): Prepared targets, shape (N, T, H', W').

        Returns:
            tuple[Tensor, Tensor]: Logits (Q, T, P) and targets (N, T, P).
        """
        return self.pairs(logits, masks)


@TASK_UTILS.register_module()
class PointMasks:
    """Comparison of masks at sampled points.

    Mask2Former (Cheng et al., CVPR 2022), Sec. 3.3, after PointRend (Kirillov et al.,
    CVPR 2020), Sec. 3.1: losses at points of each mask of its own, most of them where
    the prediction is least certain among more that are drawn uniformly; match costs at
    uniform points that all masks of a frame share.

    Args:
        num_points (int): P, points of each mask in each frame. Defaults to 12544.
        oversample_ratio (float): Points drawn for each that is kept by uncertainty.
            Defaults to 3.
        importance_sample_ratio (float): Share of the P points that are kept by
            uncertainty; the others are uniform. Defaults to 0.75.

    Raises:
        ValueError: If there is no point, ``oversample_ratio`` is below 1 or
            ``importance_sample_ratio`` not in [0, 1].
    """

    def __init__(
        self,
        num_points: int = 12544,
        oversample_ratio: float = 3.0,
        importance_sample_ratio: float = 0.75,
    ) -> None:
        if num_points < 1 or oversample_ratio < 1:
            raise UserValueError(
                'criterion.masks.num_points and .oversample_ratio must be at least 1, '
                f'got {num_points} and {oversample_ratio}.'
            )
        if not 0 <= importance_sample_ratio <= 1:
            raise UserValueError(
                'criterion.masks.importance_sample_ratio must be in [0, 1], got '
                f'{importance_sample_ratio}.'
            )
        self.num_points = num_points
        self.oversample_ratio = oversample_ratio
        self.importance_sample_ratio = importance_sample_ratio

    def prepare(self, masks: Tensor) -> Tensor:
        """Targets stay as they are."""
        return masks

    def pairs(self, logits: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`DenseMasks.pairs`; points of each mask of its own."""
        N, T = logits.shape[:2]
        if N == 0:
            return logits.flatten(2)[..., :0], masks.flatten(2)[..., :0]
        logits = logits.flatten(0, 1)[:, None].float()  # (N*T, 1, h, w)
        masks = masks.flatten(0, 1)[:, None].float()
        with torch.no_grad():
            points = get_uncertain_point_coords_with_randomness(
                logits,
                None,
                self.num_points,
                self.oversample_ratio,
                self.importance_sample_ratio,
            )
            targets = point_sample(masks, points)[:, 0]
        values = point_sample(logits, points)[:, 0]
        return values.unflatten(0, (N, T)), targets.unflatten(0, (N, T))

    def candidates(self, logits: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`DenseMasks.candidates`; a frame's masks share their points."""
        points = torch.rand(logits.shape[1], self.num_points, 2, device=logits.device)
        return tuple(
            point_sample(m.float().transpose(0, 1), points).transpose(0, 1)
            for m in (logits, masks)
        )


def _resize(masks: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinearly resize masks (N, T, H, W) to (N, T, *size)."""
    return F.interpolate(masks, size=list(size), mode='bilinear', align_corners=False)
