"""A stage of TeViT's head."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.models.roi_heads.bbox_heads import DIIHead
from torch import Tensor

from mmvis import memory_limits
from mmvis.registry import MODELS

__all__ = ['ClipDIIHead']


@MODELS.register_module()
class ClipDIIHead(DIIHead):
    """Dynamic instance interaction of the frames of a clip.

    Spatio-temporal query interaction, TeViT (Yang et al., CVPR 2022), Sec. 3.3: the
    queries of one frame attend to each other, then each query to itself in the other
    frames. Both steps share attention and norm, so that parameters are those of
    MMDetection's ``DIIHead``. There is no position in time: the order of frames does
    not matter.

    Args:
        temporal_attention (bool): Whether to take the second step; without it the
            frames exchange nothing, as in QueryInst. Defaults to True.
        **kwargs: Of ``DIIHead``.
    """

    def __init__(self, temporal_attention: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.temporal_attention = temporal_attention

    def forward(
        self, roi_feat: Tensor, proposal_feat: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Refine the queries of a batch of clips.

        Args:
            roi_feat (Tensor): Features in the box of each query, shape
                (B*T*Q, C, h, w).
            proposal_feat (Tensor): Queries, shape (B, T, Q, C).

        Returns:
            tuple[Tensor, Tensor, Tensor, Tensor]: Class logits (B, T, Q, K), box
            deltas (B, T, Q, 4), queries for the next stage (B, T, Q, C), and the
            queries after attention, which the mask head reads (B, T, Q, C).
        """
        B, T, Q, _ = proposal_feat.shape
        per_frame = proposal_feat.flatten(0, 1)  # (B*T, Q, C)
        if not self.temporal_attention:
            outputs = self._forward_parts(roi_feat, per_frame)
            return tuple(x.unflatten(0, (B, T)) for x in outputs)
        by_query = per_frame.transpose(0, 1)  # (Q, B*T, C), MMDetection's order
        by_query = self.attention_norm(self.attention(by_query))
        # The parent attends along the second axis and continues from there: with
        # frames in that place, its attention is the temporal one.
        tracks = by_query.unflatten(1, (B, T)).permute(1, 0, 2, 3).flatten(0, 1)
        roi_feat = roi_feat.unflatten(0, (B, T, Q)).transpose(1, 2).flatten(0, 2)
        outputs = self._forward_parts(roi_feat, tracks)  # each (B*Q, T, ...)
        return tuple(x.unflatten(0, (B, Q)).transpose(1, 2) for x in outputs)

    def _forward_parts(self, roi_feat: Tensor, groups: Tensor) -> list[Tensor]:
        """Run MMDetection's head on independent groups (G, n, C)."""
        num_groups, group_size, _ = groups.shape
        at_once = max(memory_limits.DYNAMIC_KERNELS_AT_ONCE // group_size, 1)
        if torch.is_grad_enabled():
            at_once = num_groups
        parts = zip(roi_feat.split(at_once * group_size), groups.split(at_once))
        forward = super().forward
        outputs = [forward(*part) for part in parts]
        return [torch.cat(xs) for xs in zip(*outputs)]
