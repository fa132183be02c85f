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

    Args:
        num_classes (int): K, without the no-object class.
        assigner (dict): Config of :class:`FirstFrameAssigner`.
        loss_cls (dict): Config of the class loss, over K+1 classes.
        loss_mask (dict): Config of the loss on mask values (cross entropy), a mean over
            the values of a mask, summed over instances and frames.
        loss_dice (dict): Config of the dice loss of a mask, summed alike.
        masks (dict, optional): Config of where masks are compared: :class:`DenseMasks`
            or, the default, :class:`PointMasks`.
        no_object_weight (float): Weight of the no-object class in the class loss.
            Defaults to 0.1.
    """

    def __init__(
        self,
        num_classes: int,
        assigner: dict,
        loss_cls: dict,
        loss_mask: dict,
        loss_dice: dict,
        masks: dict | None = None,
        no_object_weight: float = 0.1,
    ) -> None:
        super().__init__(
            num_classes=num_classes,
            assigner=assigner,
            loss_cls=loss_cls,
            loss_mask=loss_mask,
            loss_dice=loss_dice,
            masks=masks or dict(type='PointMasks'),
            no_object_weight=no_object_weight,
        )

    def count_masks(self, gt: InstanceData) -> int:
        """One mask for each frame in which an instance is visible."""
        return int(gt.visible.sum())

    def loss_layer(
        self,
        layer: dict[str, Tensor],
        targets: Sequence[InstanceData],
        num_masks: Tensor,
    ) -> dict[str, Tensor]:
        """Losses of one decoder layer.

        Args:
            layer (dict): ``cls_logits`` (B, Q, T, K+1) and ``mask_logits``
                (B, Q, T, h, w).
            targets (Sequence[InstanceData]): Of the B clips.
            num_masks (Tensor): Their mean count of visible instances over frames.

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
            **self.mask_losses(pred_masks, gt_masks, num_masks),
        )
