"""Output of one stage of a head with boxes."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

__all__ = ['StageOutput']


@dataclass(frozen=True)
class StageOutput:
    """Output of one stage for a batch of clips.

    Attributes:
        cls_logits (Tensor): Shape (B, T, Q, K).
        bboxes (Tensor): Refined boxes, xyxy in input pixels, never clipped, shape
            (B, T, Q, 4).
        attn_feats (Tensor): What the mask head reads, shape (B, T, Q, C).
        mask_bboxes (Tensor): Boxes in which masks are made, as ``bboxes``.
    """

    cls_logits: Tensor
    bboxes: Tensor
    attn_feats: Tensor
    mask_bboxes: Tensor
