"""Base class of set losses over masks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.structures import TrackDataSample
from mmengine.structures import InstanceData
from torch import Tensor

from mmvis.models.losses.set_criterion import SetCriterion
from mmvis.models.task_modules.clip_targets import clip_targets
from mmvis.registry import MODELS, TASK_UTILS

__all__ = ['MaskSetCriterion']


class MaskSetCriterion(SetCriterion):
    """Match queries and instances of each clip, then compare classes and masks.

    A subclass defines the number of masks, matching and targets of a decoder layer, and
    where it compares masks by default.

    Args:
        num_classes (int): K, without the no-object class.
        assigner (dict): Config of the assigner.
        loss_cls (dict): Config of the class loss, over K+1 classes.
        loss_mask (dict): Config of the loss on mask values, a mean over those of a
            mask, summed over masks.
        loss_dice (dict): Config of the dice loss, summed over masks.
        masks (dict, optional): Config of where masks are compared: :class:`DenseMasks`
            or :class:`PointMasks`. Defaults to None: that of the subclass.
        no_object_weight (float): Weight of the no-object class in the class loss.
            Defaults to 0.1.
    """

    default_masks: str

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
        super().__init__(num_classes, assigner, loss_cls, no_object_weight)
        self.num_classes = num_classes
        self.loss_mask = MODELS.build(loss_mask)
        self.loss_dice = MODELS.build(loss_dice)
        self.masks = TASK_UTILS.build(masks or dict(type=self.default_masks))

    def prepare_targets(self, sample: TrackDataSample, like: Tensor) -> InstanceData:
        """Targets of one clip, masks at the size at which they are compared.

        Returns:
            InstanceData: ``labels`` (N,), ``masks`` (N, T, H', W'), ``visible`` (N, T).
        """
        gt = clip_targets(sample, sample[0].batch_input_shape, like)
        return InstanceData(
            labels=gt.labels, masks=self.masks.prepare(gt.masks), visible=gt.visible
        )

    @torch.no_grad()
    def match(
        self, cls_logits: Tensor, mask_logits: Tensor, gt: InstanceData
    ) -> tuple[Tensor, Tensor]:
        """Match the queries of one clip to ``gt``.

        Args:
            cls_logits (Tensor): Shape (Q, K+1), or (Q, T, K+1) for an assigner that
                looks at frames.
            mask_logits (Tensor): Shape (Q, T, h, w).
            gt (InstanceData): N instances, see :meth:`prepare_targets`.

        Returns:
            tuple[Tensor, Tensor]: Matched queries and their instances.
        """
        pred = InstanceData(scores=cls_logits)
        compared = InstanceData(labels=gt.labels, visible=gt.visible)
        if len(gt) > 0:
            pred.masks, compared.masks = self.masks.candidates(mask_logits, gt.masks)
        return self.assigner.assign(pred, compared)

    def mask_losses(
        self,
        logits: Sequence[Tensor],
        targets: Sequence[Tensor],
        num_masks: Tensor,
    ) -> dict[str, Tensor]:
        """Losses of matched masks.

        Args:
            logits (Sequence[Tensor]): For each clip those of n pairs, (n, T, h, w).
            targets (Sequence[Tensor]): Their targets, (n, T, H', W').
            num_masks (Tensor): What sums over masks are divided by.

        Returns:
            dict[str, Tensor]: ``loss_mask`` and ``loss_dice``.
        """
        predicted, gts = torch.cat(list(logits)), torch.cat(list(targets))
        if len(predicted) == 0:
            # Stays in the graph: with DDP every rank must use the same parameters.
            nothing = predicted.sum()
            return dict(loss_mask=nothing, loss_dice=nothing)
        values, expected = (x.flatten(1) for x in self.masks.pairs(predicted, gts))
        return dict(
            loss_mask=self.loss_mask(
                values, expected, avg_factor=num_masks * expected.shape[1]
            ),
            loss_dice=self.loss_dice(values, expected, avg_factor=num_masks),
        )
