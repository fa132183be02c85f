"""Set loss over sequences of classes, boxes and masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from mmdet.structures import TrackDataSample
from mmdet.structures.bbox import bbox_cxcywh_to_xyxy, bbox_xyxy_to_cxcywh
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn import functional as F

from mmvis import memory_limits
from mmvis.errors import UserValueError
from mmvis.models.layers import run_recomputed
from mmvis.models.losses.set_criterion import SetCriterion
from mmvis.models.task_modules.clip_targets import clip_targets
from mmvis.registry import MODELS

__all__ = ['InstanceSequenceCriterion']


class _Pairs(NamedTuple):
    """P matched (query, frame) pairs of one clip and their targets."""

    sequences: Tensor  # (P,) index of the instance sequence
    gts: Tensor  # (P,) index of the ground-truth instance
    frames: Tensor  # (P,)
    labels: Tensor  # (P,)


@MODELS.register_module()
class InstanceSequenceCriterion(SetCriterion):
    """Match sequences of queries and instances, then compare frame by frame.

    VisTR (Wang et al., CVPR 2021), Sec. 3.4. An instance gets one sequence for the
    whole clip. In the frames where it is visible, the query of that frame learns its
    class, box and mask; all other queries learn no-object. Masks are compared at the
    size of the input, predictions enlarged bilinearly, a few at a time.

    Differs from the original, unless ``as_published``:

    - The visible frames are those of the matched instance. The original takes those
      of the j-th instance for the j-th pair (its issue #80), so that frames where an
      instance is absent are learned as an object of class 0 with an empty box.
    - Frames in which an instance is absent neither enter the match costs (there: as
      class 0 with an empty box) nor the divisor of box and mask losses.

    Args:
        num_classes (int): K, without the no-object class.
        assigner (dict): Config of :class:`ClipHungarianAssigner`.
        loss_cls (dict): Config of the class loss, over K+U+1 classes.
        loss_bbox (dict): Config of the loss on (cx, cy, w, h) relative to the frame,
            summed over the four.
        loss_iou (dict): Config of the loss on relative corners.
        loss_mask (dict): Config of the loss on mask values (focal), a mean over a
            frame's pixels.
        loss_dice (dict): Config of the dice loss of a frame's mask.
        num_unused_classes (int): U, classes between the K and no-object. Defaults to
            0.
        no_object_weight (float): Weight of the no-object class in the class loss.
            Defaults to 0.1.
        as_published (bool): Do as the original does, see above. Defaults to False.

    Raises:
        ValueError: If ``as_published``, but there is no unused class for the frames
            where an instance is absent.
    """

    def __init__(
        self,
        num_classes: int,
        assigner: dict,
        loss_cls: dict,
        loss_bbox: dict,
        loss_iou: dict,
        loss_mask: dict,
        loss_dice: dict,
        num_unused_classes: int = 0,
        no_object_weight: float = 0.1,
        as_published: bool = False,
    ) -> None:
        if as_published and num_unused_classes == 0:
            raise UserValueError(
                'With as_published=True, frames where an instance is absent belong to '
                'the unused class, but there is none. Set head.num_unused_classes=1.'
            )
        no_object = num_classes + num_unused_classes
        super().__init__(no_object, assigner, loss_cls, no_object_weight)
        self.num_classes = num_classes
        self.no_object = no_object
        self.as_published = as_published
        self.loss_bbox = MODELS.build(loss_bbox)
        self.loss_iou = MODELS.build(loss_iou)
        self.loss_mask = MODELS.build(loss_mask)
        self.loss_dice = MODELS.build(loss_dice)

    def prepare_targets(self, sample: TrackDataSample, like: Tensor) -> InstanceData:
        """Targets of one clip.

        Returns:
            InstanceData: That of :func:`clip_targets`, with meta information
            ``img_shape``, and

            - ``bboxes_cxcywh``: (N, T, 4), relative to the unpadded frame.
            - ``frame_labels``: (N, T), the first unused class where it is absent.
        """
        targets = clip_targets(sample, sample[0].batch_input_shape, like)
        h, w = sample[0].img_shape[:2]
        relative = targets.bboxes / targets.bboxes.new_tensor([w, h, w, h])
        return InstanceData(
            metainfo=dict(img_shape=(h, w)),
            bboxes_cxcywh=bbox_xyxy_to_cxcywh(relative),
            frame_labels=torch.where(
                targets.visible, targets.labels[:, None], self.num_classes
            ),
            **dict(targets.items()),
        )

    def count_targets(self, gt: InstanceData) -> int:
        """Number of frames of instances."""
        return gt.visible.numel() if self.as_published else int(gt.visible.sum())

    def loss_layer(
        self,
        layer: dict[str, Tensor],
        targets: Sequence[InstanceData],
        num_targets: Tensor,
    ) -> dict[str, Tensor]:
        """Losses of one decoder layer.

        Args:
            layer (dict): ``cls_logits`` (B, N, T, K+U+1), ``bboxes_cxcywh``
                (B, N, T, 4) and, in the last layer only, ``mask_logits``
                (B, N, T, h, w).
            targets (Sequence[InstanceData]): Of the B clips.
            num_targets (Tensor): Their mean number of frames of instances.

        Returns:
            dict[str, Tensor]: ``loss_cls``, ``loss_bbox`` and ``loss_iou``; with masks
            also ``loss_mask`` and ``loss_dice``.
        """
        cls_logits, bboxes = layer['cls_logits'], layer['bboxes_cxcywh']
        labels = torch.full(
            cls_logits.shape[:3], self.no_object, device=cls_logits.device
        )
        picked: dict[str, list[Tensor]] = {key: [] for key in ('b', 'gb', 'm', 'gm')}
        for b, gt in enumerate(targets):
            pairs = self.pair_frames(*self.match(cls_logits[b], bboxes[b], gt), gt)
            query = (b, pairs.sequences, pairs.frames)
            labels[query] = pairs.labels
            picked['b'].append(bboxes[query])
            picked['gb'].append(gt.bboxes_cxcywh[pairs.gts, pairs.frames])
            if 'mask_logits' in layer:
                picked['m'].append(layer['mask_logits'][query])
                picked['gm'].append(gt.masks[pairs.gts, pairs.frames])
        losses = dict(
            loss_cls=self.class_loss(cls_logits.flatten(0, 2), labels.flatten())
        )
        losses |= self._box_losses(
            torch.cat(picked['b']), torch.cat(picked['gb']), num_targets
        )
        if 'mask_logits' in layer:
            losses |= self._mask_losses(picked['m'], picked['gm'], num_targets)
        return losses

    @torch.no_grad()
    def match(
        self, cls_logits: Tensor, bboxes: Tensor, gt: InstanceData
    ) -> tuple[Tensor, Tensor]:
        """Match the sequences of one clip, (N, T, K+U+1) and (N, T, 4), to ``gt``."""
        return self.assigner.assign(*self.match_inputs(cls_logits, bboxes, gt))

    def match_inputs(
        self, cls_logits: Tensor, bboxes: Tensor, gt: InstanceData
    ) -> tuple[InstanceData, InstanceData]:
        """Put predictions and instances of one clip as the match costs read them."""
        h, w = gt.img_shape
        size = bboxes.new_tensor([w, h, w, h])
        pred = InstanceData(
            scores=cls_logits, bboxes=bbox_cxcywh_to_xyxy(bboxes) * size
        )
        visible = gt.visible
        compared = InstanceData(
            metainfo=gt.metainfo,
            labels=gt.frame_labels if self.as_published else gt.labels,
            bboxes=gt.bboxes,
            visible=torch.ones_like(visible) if self.as_published else visible,
        )
        return pred, compared

    def pair_frames(self, sequences: Tensor, gts: Tensor, gt: InstanceData) -> _Pairs:
        """Expand matched sequences and instances to the frames with a target."""
        # The original looks the pair's visibility up by the number of the pair.
        source = torch.arange(len(gts)) if self.as_published else gts
        pairs, frames = gt.visible[source].nonzero(as_tuple=True)
        gts = gts[pairs]
        return _Pairs(sequences[pairs], gts, frames, gt.frame_labels[gts, frames])

    def _box_losses(
        self, bboxes: Tensor, targets: Tensor, num_frames: Tensor
    ) -> dict[str, Tensor]:
        if len(bboxes) == 0:
            return dict(loss_bbox=bboxes.sum(), loss_iou=bboxes.sum())
        corners = bbox_cxcywh_to_xyxy(bboxes)
        return dict(
            loss_bbox=self.loss_bbox(bboxes, targets, avg_factor=num_frames),
            loss_iou=self.loss_iou(
                corners, bbox_cxcywh_to_xyxy(targets), avg_factor=num_frames
            ),
        )

    def _mask_losses(
        self, logits: Sequence[Tensor], targets: Sequence[Tensor], num_frames: Tensor
    ) -> dict[str, Tensor]:
        # Stays in the graph: with DDP every rank must use the same parameters.
        nothing = logits[0][:0].sum()
        losses = dict(loss_mask=nothing, loss_dice=nothing)
        at_once = memory_limits.COMPARED_MASKS_AT_ONCE
        parts = torch.cat(list(logits)).split(at_once)
        for part, gt in zip(parts, torch.cat(list(targets)).split(at_once)):
            if len(part) > 0:
                values = run_recomputed(self._compare_masks, part, gt, num_frames)
                losses = {k: losses[k] + v for k, v in zip(losses, values)}
        return losses

    def _compare_masks(
        self, logits: Tensor, targets: Tensor, num_frames: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Compare masks (P, h, w) with (P, H, W)."""
        size = targets.shape[-2:]
        logits = logits.float()[:, None]  # its sums are too large for half precision
        logits = F.interpolate(logits, size=size, mode='bilinear', align_corners=False)
        logits, targets = logits.flatten(1), targets.flatten(1)
        loss_mask = self.loss_mask(
            logits, targets, avg_factor=num_frames * targets.shape[1]
        )
        return loss_mask, self.loss_dice(logits, targets, avg_factor=num_frames)
