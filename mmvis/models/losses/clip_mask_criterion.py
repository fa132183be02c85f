"""Set loss over the mask tubes of a clip."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.losses.mask_set_criterion import MaskSetCriterion
from mmvis.registry import MODELS

__all__ = ['ClipMaskCriterion']


@MODELS.register_module()
class ClipMaskCriterion(MaskSetCriterion):
    """Match queries and instances of each clip, then classes and mask tubes.

    IFC (Hwang et al., NeurIPS 2021), Sec. 3.4: a clip is one volume, so the dice
    coefficient is taken over all its frames and pixels at once. Padding counts as
    background.

    Differs from the original: the class loss is normalised by the weights of
    all ranks' queries rather than of each rank's own, so that the gradients do
    not depend on how clips are spread over GPUs. On one GPU they are equal.

    Arguments are those of :class:`MaskSetCriterion`; the assigner is a
    :class:`ClipHungarianAssigner`, the loss on mask values focal. By default masks are
    compared in all cells.
    """

    default_masks = 'DenseMasks'

    def count_targets(self, gt: InstanceData) -> int:
        """One tube for each instance."""
        return len(gt)

    def loss_layer(
        self,
        layer: dict[str, Tensor],
        targets: Sequence[InstanceData],
        num_targets: Tensor,
    ) -> dict[str, Tensor]:
        """Losses of one decoder layer.

        Args:
            layer (dict): ``cls_logits`` (B, Q, K+1) and ``mask_logits``
                (B, Q, T, h, w).
            targets (Sequence[InstanceData]): Of the B clips.
            num_targets (Tensor): Their mean count.

        Returns:
            dict[str, Tensor]: ``loss_cls``, ``loss_mask`` and ``loss_dice``.
        """
        cls_logits, mask_logits = layer['cls_logits'], layer['mask_logits']
        B, Q, _ = cls_logits.shape
        labels = cls_logits.new_full((B, Q), self.num_classes, dtype=torch.long)
        pred_masks, gt_masks = [], []
        for b, gt in enumerate(targets):
            query_inds, gt_inds = self.match(cls_logits[b], mask_logits[b], gt)
            labels[b, query_inds] = gt.labels[gt_inds]
            pred_masks.append(mask_logits[b][query_inds])
            gt_masks.append(gt.masks[gt_inds])
        return dict(
            loss_cls=self.class_loss(cls_logits.flatten(0, 1), labels.flatten()),
            **self.mask_losses(pred_masks, gt_masks, num_targets),
        )
