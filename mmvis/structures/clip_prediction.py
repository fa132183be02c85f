"""Prediction of a head for one clip."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from mmvis.structures.frame_masks import FrameMasks

__all__ = ['ClipPrediction']


@dataclass(frozen=True)
class ClipPrediction:
    """Predictions for the objects of one clip, not yet linked to other clips.

    Attributes:
        cls_probs (Tensor): Class probabilities, shape (N, K+1), no-object last.
        mask_logits (Tensor): Mask logits at the model's own resolution, shape
            (N, T, h, w). They cover the whole frame: h x w is stretched to the
            frame when a mask is scaled to it.
        query_inds (Tensor | None): Index of the query behind each prediction, long,
            no index twice, shape (N,). :class:`QueryIndexMerger` needs it.
    """

    cls_probs: Tensor
    mask_logits: Tensor
    query_inds: Tensor | None = None

    def __len__(self) -> int:
        return len(self.cls_probs)

    @property
    def num_frames(self) -> int:
        """T, the number of frames of the clip."""
        return self.mask_logits.shape[1]

    def frame_masks(self, t: int) -> FrameMasks:
        """Masks of the clip's t-th frame."""
        return FrameMasks(self.mask_logits[:, t])

    def is_nan(self) -> Tensor:
        """Whether the outputs for a frame hold NaN, bool, shape (T,)."""
        is_nan = self.mask_logits.isnan().flatten(2).any(2).any(0)
        return is_nan | self.cls_probs.isnan().any()
