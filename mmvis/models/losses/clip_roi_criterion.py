"""Set loss over the boxes of a clip and the masks within them, stage by stage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from mmdet.models.roi_heads import SparseRoIHead
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.models.roi_heads.mask_heads import DynamicMaskHead
from mmdet.structures import TrackSampleList
from mmdet.utils import reduce_mean
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmvis.models.roi_heads.stage_output import StageOutput
from mmvis.models.task_modules import ClipHungarianAssigner, clip_targets
from mmvis.ops import roi_align
from mmvis.registry import MODELS, TASK_UTILS

__all__ = [
    'ClipRoICriterion',
    'Positives',
    'box_losses',
    'mask_losses',
    'mask_targets',
    'match_clips',
]


@MODELS.register_module()
class ClipRoICriterion(BaseModule):
    """Match queries and instances of each clip at every stage, then compare.

    TeViT (Yang et al., CVPR 2022), Sec. 3.3. The losses themselves belong to
    MMDetection's box and mask heads, whose layers depend on them.

    Args:
        assigner (dict): Config of :class:`ClipHungarianAssigner`.
    """

    def __init__(self, assigner: dict) -> None:
        super().__init__()
        self.assigner = TASK_UTILS.build(assigner)

    def forward(
        self,
        stages: Iterable[StageOutput],
        data_samples: TrackSampleList,
        *,
        roi_head: SparseRoIHead,
        maps: Sequence[Tensor],
        whwh: Tensor,
    ) -> dict[str, Tensor]:
        """Losses of all stages, each with its own matching.

        Args:
            stages (Iterable[StageOutput]): In the order in which they run.
            data_samples (list[TrackDataSample]): Ground truth of the B clips.
            roi_head (SparseRoIHead): Its box and mask heads, mask
                extractors and weights of the stages.
            maps (Sequence[Tensor]): Levels (B*T, C, H, W).
            whwh (Tensor): Size of each clip's frames, shape (B, 4).

        Returns:
            dict[str, Tensor]: For each stage s: ``s{s}.loss_cls``, ``.loss_bbox``,
            ``.loss_iou`` and ``.loss_mask``. All are divided by the number of
            positive (query, frame) pairs of the batch, averaged over ranks, at
            least 1.
        """
        gts = [
            clip_targets(sample, sample[0].batch_input_shape, maps[0])
            for sample in data_samples
        ]
        for gt, (w, h, _, _) in zip(gts, whwh.tolist()):
            gt.set_metainfo(dict(img_shape=(h, w)))
        losses: dict[str, Tensor] = {}
        for s, stage in enumerate(stages):
            positives = match_clips(self.assigner, stage, gts)
            of_stage = box_losses(roi_head.bbox_head[s], stage, positives, gts, whwh)
            of_stage |= mask_losses(
                roi_head.mask_head[s],
                roi_head.mask_roi_extractor[s],
                maps,
                stage,
                positives,
                gts,
            )
            weight = roi_head.stage_loss_weights[s]
            losses |= {f's{s}.{name}': weight * v for name, v in of_stage.items()}
        return losses


@dataclass(frozen=True)
class Positives:
    """The P (query, frame) pairs of a batch that show an instance.

    Attributes:
        clips (Tensor): Index of the clip, shape (P,).
        frames (Tensor): Index of the frame in its clip, shape (P,).
        queries (Tensor): Index of the query, shape (P,).
        gts (Tensor): Index of the instance in its clip, shape (P,).
        avg_factor (Tensor): Their number, averaged over ranks, at least 1.
    """

    clips: Tensor
    frames: Tensor
    queries: Tensor
    gts: Tensor
    avg_factor: Tensor

    def __len__(self) -> int:
        return len(self.clips)

    def pick(self, values: Tensor) -> Tensor:
        """Pick the values of the pairs from (B, T, Q, ...): shape (P, ...)."""
        return values[self.clips, self.frames, self.queries]

    def pick_gts(self, values: Sequence[Tensor]) -> Tensor:
        """Pick the values of the pairs from B of (N_b, T, ...): shape (P, ...)."""
        picked = [
            of_clip[self.gts[self.clips == b], self.frames[self.clips == b]]
            for b, of_clip in enumerate(values)
        ]
        return torch.cat(picked)  # the pairs are ordered by clip


@torch.no_grad()
def match_clips(
    assigner: ClipHungarianAssigner,
    stage: StageOutput,
    gts: Sequence[InstanceData],
) -> Positives:
    """Assign each instance of a clip to one query, in the frames where it is seen.

    Where it is not, its query is an ordinary negative.

    Args:
        assigner (ClipHungarianAssigner): Compares ``scores`` (Q, T, K) and
            ``bboxes`` (Q, T, 4).
        stage (StageOutput): Of B clips.
        gts (Sequence[InstanceData]): Of each clip ``labels`` (N,), ``bboxes``
            (N, T, 4) and ``visible`` (N, T).

    Returns:
        Positives: Ordered by clip, frame and query.
    """
    pairs = []
    for b, gt in enumerate(gts):
        pred = InstanceData(
            scores=stage.cls_logits[b].transpose(0, 1).float(),
            bboxes=stage.bboxes[b].transpose(0, 1),
        )
        query_inds, gt_inds = assigner.assign(pred, gt)
        frames, matches = gt.visible[gt_inds].T.nonzero(as_tuple=True)
        clips = torch.full_like(frames, b)
        pairs.append(
            torch.stack([clips, frames, query_inds[matches], gt_inds[matches]])
        )
    clips, frames, queries, gt_inds = torch.cat(pairs, dim=1)
    num_pos = stage.bboxes.new_tensor(float(len(clips)))
    avg_factor = reduce_mean(num_pos).clamp(min=1)
    return Positives(clips, frames, queries, gt_inds, avg_factor)


def box_losses(
    bbox_head: BBoxHead,
    stage: StageOutput,
    positives: Positives,
    gts: Sequence[InstanceData],
    whwh: Tensor,
) -> dict[str, Tensor]:
    """Class and box losses of one stage.

    Args:
        bbox_head (BBoxHead): Has ``loss_cls``, ``loss_bbox`` and ``loss_iou``.
        stage (StageOutput): Of B clips.
        positives (Positives): See :func:`match_clips`.
        gts (Sequence[InstanceData]): As there.
        whwh (Tensor): Size of each clip's frames, shape (B, 4).

    Returns:
        dict[str, Tensor]: ``loss_cls``, ``loss_bbox`` (on boxes divided by the size
        of the frame) and ``loss_iou``.
    """
    # One-hot, with which MMDetection's focal loss needs no compiled operator.
    is_class = torch.zeros_like(stage.cls_logits)
    labels = positives.pick_gts(
        [gt.labels[:, None].expand(gt.visible.shape) for gt in gts]
    )
    where = (positives.clips, positives.frames, positives.queries, labels)
    is_class[where] = 1
    avg_factor = positives.avg_factor
    losses = dict(
        loss_cls=bbox_head.loss_cls(
            stage.cls_logits.flatten(0, 2),
            is_class.flatten(0, 2),
            avg_factor=avg_factor,
        )
    )
    if len(positives) == 0:
        # Stays in the graph: with DDP every rank must use the same parameters.
        nothing = stage.bboxes.sum() * 0
        return losses | dict(loss_bbox=nothing, loss_iou=nothing)
    bboxes = positives.pick(stage.bboxes)  # (P, 4)
    targets = positives.pick_gts([gt.bboxes for gt in gts])
    sizes = whwh[positives.clips]
    return losses | dict(
        loss_bbox=bbox_head.loss_bbox(
            bboxes / sizes, targets / sizes, avg_factor=avg_factor
        ),
        loss_iou=bbox_head.loss_iou(bboxes, targets, avg_factor=avg_factor),
    )


def mask_losses(
    mask_head: DynamicMaskHead,
    extractor: nn.Module,
    maps: Sequence[Tensor],
    stage: StageOutput,
    positives: Positives,
    gts: Sequence[InstanceData],
) -> dict[str, Tensor]:
    """Loss of the masks of the positive pairs, within the boxes of the stage.

    Args:
        mask_head (DynamicMaskHead): The mask head.
        extractor (nn.Module): Its RoI extractor.
        maps (Sequence[Tensor]): Levels (B*T, C, H, W).
        stage (StageOutput): Of B clips.
        positives (Positives): See :func:`match_clips`.
        gts (Sequence[InstanceData]): Of each clip ``labels`` (N,) and ``masks``
            (N, T, H, W).

    Returns:
        dict[str, Tensor]: ``loss_mask``.
    """
    if len(positives) == 0:
        # Batch norm needs at least one mask; the parameters stay in the graph.
        nothing = sum(p.sum() for p in mask_head.parameters()) * 0
        return dict(loss_mask=nothing + stage.attn_feats.sum() * 0)
    T = stage.bboxes.shape[1]
    bboxes = positives.pick(stage.mask_bboxes).detach()
    image_inds = positives.clips * T + positives.frames
    rois = torch.cat([image_inds[:, None].to(bboxes), bboxes], dim=1)
    logits = mask_head(extractor(maps, rois), positives.pick(stage.attn_feats))
    labels = positives.pick_gts(
        [gt.labels[:, None].expand(gt.visible.shape) for gt in gts]
    )
    logits = logits[torch.arange(len(labels), device=labels.device), labels].float()
    targets = mask_targets(positives, bboxes, gts, logits.shape[-2:])
    loss = mask_head.loss_mask(
        logits.sigmoid(), targets, avg_factor=positives.avg_factor
    )
    return dict(loss_mask=loss)


@torch.no_grad()
def mask_targets(
    positives: Positives,
    bboxes: Tensor,
    gts: Sequence[InstanceData],
    size: tuple[int, int],
) -> Tensor:
    """Crop the ground truth by boxes.

    Args:
        positives (Positives): The P pairs.
        bboxes (Tensor): Box of each, xyxy in input pixels, shape (P, 4).
        gts (Sequence[InstanceData]): Of each clip ``masks`` (N, T, H, W).
        size (tuple[int, int]): Height and width of the targets.

    Returns:
        Tensor: 0 or 1, shape (P, *size).
    """
    targets = []
    for b, gt in enumerate(gts):
        is_here = positives.clips == b
        T, H, W = gt.masks.shape[1:]
        mask_inds = positives.gts[is_here] * T + positives.frames[is_here]
        limit = bboxes.new_tensor([W, H, W, H])
        boxes = torch.minimum(bboxes[is_here].clamp(min=0), limit)
        rois = torch.cat([mask_inds[:, None].to(boxes), boxes], dim=1)
        masks = gt.masks.flatten(0, 1)[:, None].float()
        targets.append(roi_align(masks, rois, size)[:, 0])
    return (torch.cat(targets) >= 0.5).float()
