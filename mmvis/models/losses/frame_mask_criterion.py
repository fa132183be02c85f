"""Set loss over the masks of single frames, with one query per instance."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.losses.mask_set_criterion import MaskSetCriterion
from mmvis.registry import MODELS

__all__ = ['FrameMaskCriterion']


@MODELS.register_module()
class FrameMaskCriterion(MaskSetCriterion):
    """Match each instance to one query, then compare classes and masks in each frame.

    VidEoMT (Norouzi et al., CVPR 2026), and EoMT (Kerssies et al., CVPR 2025) on clips
    of one frame. In the frames where its instance is visible, a query learns class and
    mask; in the others, and in all if it has no instance, it learns no-object.

    Arguments are those of :class:`MaskSetCriterion`; the assigner is a
    :class:`FirstFrameAssigner`, the loss on mask values cross entropy. By default
    masks are compared at sampled points.
    """

    default_masks = 'PointMasks'

    def count_targets(self, gt: InstanceData) -> int:
        """One mask for each frame in which an instance is visible."""
        return int(gt.visible.sum())

    def loss_layer(
        self,
        layer: dict[str, Tensor],
        targets: Sequence[InstanceData],
        num_targets: Tensor,
    ) -> dict[str, Tensor]:
        """Losses of one decoder layer.

        Args:
            layer (dict): ``cls_logits`` (B, Q, T, K+1) and ``mask_logits``
                (B, Q, T, h, w).
            targets (Sequence[InstanceData]): Of the B clips.
            num_targets (Tensor): Their mean count of visible instances over frames.

        Returns:
            dict[str, Tensor]: ``loss_cls``, ``loss_mask`` and ``loss_dice``.
        """
        cls_logits, mask_logits = layer['cls_logits'], layer['mask_logits']
        labels = torch.full(
            cls_logits.shape[:3], self.num_classes, device=cls_logits.device
        )
        pred_masks, gt_masks = [], []
        for b, gt in enumerate(targets):
            query_inds, gt_inds = self.match(cls_logits[b], mask_logits[b], gt)
            pairs, frames = gt.visible[gt_inds].nonzero(as_tuple=True)
            queries, gts = query_inds[pairs], gt_inds[pairs]
            labels[b, queries, frames] = gt.labels[gts]
            pred_masks.append(mask_logits[b, queries, frames, None])  # (n, 1, h, w)
            gt_masks.append(gt.masks[gts, frames, None])
        return dict(
            loss_cls=self.class_loss(cls_logits.flatten(0, 2), labels.flatten()),
            **self.mask_losses(pred_masks, gt_masks, num_targets),
        )
