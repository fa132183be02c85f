"""Set loss over the mask tubes of a clip."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from mmdet.structures import TrackDataSample, TrackSampleList
from mmdet.utils import reduce_mean
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn import functional as F

from mmvis.models.task_modules.clip_targets import clip_targets
from mmvis.registry import MODELS, TASK_UTILS

__all__ = ['ClipMaskCriterion']


@MODELS.register_module()
class ClipMaskCriterion(BaseModule):
    """Match queries and instances of each clip, then classes and mask tubes.

    IFC (Hwang et al., NeurIPS 2021), Sec. 3.4: a clip is one volume, so the dice
    coefficient is taken over all its frames and pixels at once. Masks are
    compared at 1/``mask_stride`` of the input, targets shrunk bilinearly (soft
    borders), predictions enlarged bilinearly. Padding counts as background.

    Differs from the original: the class loss is normalised by the weights of
    all ranks' queries rather than of each rank's own, so that the gradients do
    not depend on how clips are spread over GPUs. On one GPU they are equal.

    Args:
        num_classes (int): K, without the no-object class.
        assigner (dict): Config of :class:`ClipHungarianAssigner`.
        loss_cls (dict): Config of the class loss, over K+1 classes.
        loss_mask (dict): Config of the loss on mask values (focal), a mean over
            T*H*W, summed over instances.
        loss_dice (dict): Config of the dice loss, summed over instances.
        no_object_weight (float): Weight of the no-object class in the class
            loss. Defaults to 0.1.
        mask_stride (int): Stride, in pixels of the input, at which masks are
            compared. Defaults to 4.
    """

    def __init__(
        self,
        num_classes: int,
        assigner: dict,
        loss_cls: dict,
        loss_mask: dict,
        loss_dice: dict,
        no_object_weight: float = 0.1,
        mask_stride: int = 4,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.mask_stride = mask_stride
        self.class_weight = [1.0] * num_classes + [no_object_weight]
        self.assigner = TASK_UTILS.build(assigner)
        self.loss_cls = MODELS.build(dict(loss_cls, class_weight=self.class_weight))
        self.loss_mask = MODELS.build(loss_mask)
        self.loss_dice = MODELS.build(loss_dice)

    def forward(
        self, layers: Sequence[dict[str, Tensor]], data_samples: TrackSampleList
    ) -> dict[str, Tensor]:
        """Losses of every decoder layer.

        Args:
            layers (Sequence[dict]): For each layer ``cls_logits`` (B, Q, K+1)
                and ``mask_logits`` (B, Q, T, h, w).
            data_samples (list[TrackDataSample]): Ground truth of the B clips.

        Returns:
            dict[str, Tensor]: ``loss_cls``, ``loss_mask`` and ``loss_dice`` of the
            last layer; those of layer l before it with prefix ``d{l}.``.
        """
        logits = layers[-1]['mask_logits']
        targets = [self.prepare_targets(sample, logits) for sample in data_samples]
        num_gts = logits.new_tensor(float(sum(len(gt) for gt in targets)))
        num_gts = reduce_mean(num_gts).clamp(min=1)
        losses = {}
        for i, layer in enumerate(layers):
            prefix = '' if i == len(layers) - 1 else f'd{i}.'
            for name, value in self.loss_layer(layer, targets, num_gts).items():
                losses[prefix + name] = value
        return losses

    def prepare_targets(self, sample: TrackDataSample, like: Tensor) -> InstanceData:
        """Targets of one clip, masks (N, T, H/mask_stride, W/mask_stride)."""
        size = sample[0].batch_input_shape
        gt = clip_targets(sample, size, like)
        mask_size = tuple(math.ceil(s / self.mask_stride) for s in size)
        masks = _resize(gt.masks, mask_size)
        return InstanceData(labels=gt.labels, masks=masks)

    def loss_layer(
        self,
        layer: dict[str, Tensor],
        targets: Sequence[InstanceData],
        num_gts: Tensor,
    ) -> dict[str, Tensor]:
        """Losses of one decoder layer, given B targets and their mean count."""
        cls_logits, mask_logits = layer['cls_logits'], layer['mask_logits']
        B, Q, _ = cls_logits.shape
        labels = cls_logits.new_full((B, Q), self.num_classes, dtype=torch.long)
        pred_masks, gt_masks = [], []
        for b, gt in enumerate(targets):
            query_inds, gt_inds = self.match(cls_logits[b], mask_logits[b], gt)
            labels[b, query_inds] = gt.labels[gt_inds]
            matched = mask_logits[b][query_inds]
            pred_masks.append(_resize(matched, gt.masks.shape[-2:]).flatten(1))
            gt_masks.append(gt.masks[gt_inds].flatten(1))
        loss_mask, loss_dice = self._mask_losses(
            torch.cat(pred_masks), torch.cat(gt_masks), num_gts
        )
        return dict(
            loss_cls=self._class_loss(cls_logits.flatten(0, 1), labels.flatten()),
            loss_mask=loss_mask,
            loss_dice=loss_dice,
        )

    @torch.no_grad()
    def match(
        self, cls_logits: Tensor, mask_logits: Tensor, gt: InstanceData
    ) -> tuple[Tensor, Tensor]:
        """Match the queries of one clip, (Q, K+1) and (Q, T, h, w), to ``gt``."""
        pred = InstanceData(scores=cls_logits)
        if len(gt) > 0:
            pred.masks = _resize(mask_logits, gt.masks.shape[-2:])
        return self.assigner.assign(pred, gt)

    def _class_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        weights = logits.new_tensor(self.class_weight)[labels]
        return self.loss_cls(logits, labels, avg_factor=reduce_mean(weights.sum()))

    def _mask_losses(
        self, logits: Tensor, targets: Tensor, num_gts: Tensor
    ) -> tuple[Tensor, Tensor]:
        if len(logits) == 0:
            # Stays connected: with DDP every rank must use the same parameters.
            nothing = logits.sum()
            return nothing, nothing
        loss_mask = self.loss_mask(
            logits, targets, avg_factor=num_gts * targets.shape[1]
        )
        return loss_mask, self.loss_dice(logits, targets, avg_factor=num_gts)


def _resize(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinearly resize masks (N, T, H, W) to (N, T, *size)."""
    return F.interpolate(masks, size=size, mode='bilinear', align_corners=False)
