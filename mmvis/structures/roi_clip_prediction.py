"""Prediction of a head for one clip, with masks within boxes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from mmvis import memory_limits
from mmvis.ops import paste_masks
from mmvis.structures.clip_prediction import ClipPrediction
from mmvis.structures.roi_frame_masks import RoIFrameMasks

__all__ = ['AnyClipPrediction', 'RoIClipPrediction']

# Probabilities below and above are equally sure when clips are averaged.
_SURE = 0.01


@dataclass(frozen=True)
class RoIClipPrediction:
    """Predictions with a box and a small mask in it per frame.

    It has everything that mergers read of a :class:`ClipPrediction`.

    Attributes:
        cls_probs (Tensor): Class probabilities, shape (N, K+1), no-object last.
        roi_logits (Tensor): Mask logits within the boxes, shape (N, T, m, m).
        bboxes (Tensor): Boxes, xyxy as shares of the frame's width and height,
            shape (N, T, 4). They may reach beyond the frame.
        grid_size (tuple[int, int]): (h, w) at which clips are compared and averaged.
        query_inds (Tensor | None): As of :class:`ClipPrediction`.
        are_object_boxes (bool): As of :class:`RoIFrameMasks`.
    """

    cls_probs: Tensor
    roi_logits: Tensor
    bboxes: Tensor
    grid_size: tuple[int, int]
    query_inds: Tensor | None = None
    are_object_boxes: bool = True

    def __len__(self) -> int:
        return len(self.cls_probs)

    @property
    def num_frames(self) -> int:
        """T, the number of frames of the clip."""
        return self.roi_logits.shape[1]

    def frame_masks(self, t: int) -> RoIFrameMasks:
        """Masks of the clip's t-th frame, within their boxes."""
        return RoIFrameMasks(
            self.roi_logits[:, t], self.bboxes[:, t], self.are_object_boxes
        )

    def is_nan(self) -> Tensor:
        """Whether the outputs for a frame hold NaN, bool, shape (T,)."""
        of_masks = self.roi_logits.isnan().flatten(2).any(2).any(0)
        of_boxes = self.bboxes.isnan().any(2).any(0)
        return of_masks | of_boxes | self.cls_probs.isnan().any()

    @cached_property
    def mask_logits(self) -> Tensor:
        """Mask logits of the whole frame, coarsely, shape (N, T, h, w)."""
        h, w = self.grid_size
        bboxes = self.bboxes.flatten(0, 1) * self.bboxes.new_tensor([w, h, w, h])
        parts = zip(
            self.roi_logits.flatten(0, 1).split(memory_limits.PASTED_MASKS_AT_ONCE),
            bboxes.split(memory_limits.PASTED_MASKS_AT_ONCE),
        )
        pasted = [_paste_logits(*part, self.grid_size) for part in parts]
        return torch.cat(pasted).unflatten(0, self.roi_logits.shape[:2])


# What heads give, and mergers take.
AnyClipPrediction = ClipPrediction | RoIClipPrediction


def _paste_logits(roi_logits: Tensor, bboxes: Tensor, size: tuple[int, int]) -> Tensor:
    probs = paste_masks(roi_logits.float().sigmoid(), bboxes, size)
    return probs.clamp_(_SURE, 1 - _SURE).logit_()
