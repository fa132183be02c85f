"""What a head says about one clip."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

__all__ = ['ClipPrediction']


@dataclass(frozen=True)
class ClipPrediction:
    """Predictions for the objects of one clip, not yet linked to other clips.

    Attributes:
        cls_probs (Tensor): Class probabilities, shape (N, K+1), no-object last.
        mask_logits (Tensor): Mask logits at the model's own resolution, shape
            (N, T, h, w). They cover the whole frame: h x w is stretched to the
            frame when a mask is scaled to it.
    """

    cls_probs: Tensor
    mask_logits: Tensor

    def __len__(self) -> int:
        return len(self.cls_probs)
