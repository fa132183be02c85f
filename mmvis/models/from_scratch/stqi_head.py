"""TeViT's head with masks in larger boxes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmvis.errors import UserValueError
from mmvis.models.roi_heads import STQIHead
from mmvis.registry import MODELS

__all__ = ['FromScratchSTQIHead']


@MODELS.register_module()
class FromScratchSTQIHead(STQIHead):
    """A :class:`STQIHead` that makes masks in boxes larger than those of the objects.

    After a short training boxes are inaccurate, and a mask ends where its box does.
    The larger boxes are clipped to the frame, in training and at test.

    Args:
        mask_box_scale (float): Size of the mask's box, as a multiple of the object's.
            Defaults to 1.3.
        **kwargs: Of ``STQIHead``.

    Raises:
        ValueError: If the scale is less than 1.
    """

    def __init__(self, mask_box_scale: float = 1.3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if mask_box_scale < 1:
            raise UserValueError(
                f'`head.mask_box_scale` must be at least 1, got {mask_box_scale}.'
            )
        self.mask_box_scale = mask_box_scale

    def mask_bboxes(self, bboxes: Tensor, whwh: Tensor) -> Tensor:
        """Enlarge boxes (B, T, Q, 4) about their centres, and clip them."""
        first, last = bboxes.split(2, dim=-1)
        centre, half = (first + last) / 2, (last - first) / 2 * self.mask_box_scale
        sizes = whwh[:, None, None, :2]
        # At least a pixel is left of boxes beyond the frame.
        first = torch.minimum((centre - half).clamp(min=0), sizes - 1)
        last = torch.maximum(torch.minimum(centre + half, sizes), first + 1)
        return torch.cat([first, last], dim=-1)
