"""TeViT's head: queries with a box per frame, refined over space and time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from mmdet.structures import TrackSampleList
from mmdet.structures.bbox import bbox_cxcywh_to_xyxy
from mmengine.model import BaseModule
from torch import Tensor

from mmvis import memory_limits
from mmvis.errors import UserValueError
from mmvis.models.losses.required_criterion import required_criterion
from mmvis.models.roi_heads.stage_output import StageOutput
from mmvis.ops import roi_align_layout
from mmvis.registry import MODELS
from mmvis.structures import ClipFeatures, RoIClipPrediction
from mmvis.ties import argmax, rank

__all__ = ['STQIHead']

# Input pixels per cell of the grid at which near-online inference compares clips.
_GRID_STRIDE = 4


@MODELS.register_module()
class STQIHead(BaseModule):
    """Spatio-temporal query interaction head.

    TeViT (Yang et al., CVPR 2022), Sec. 3.3, on QueryInst (Fang et al., ICCV 2021):
    each query has a box in every frame; each stage reads the features in its boxes,
    attends to the other queries of the frame and to itself in the other frames
    (:class:`ClipDIIHead`), and moves them. Masks are made within the boxes. A track
    is a query, so nothing is linked within a clip. Proposals, stages and mask heads
    are MMDetection's, by their names in ``QueryInst``.

    Differs from the original: frames or clips without instances are trained on as
    background (there: a crash, or a class loss divided by zero).

    Args:
        num_classes (int): K; goes into the box and mask heads.
        in_channels (Sequence[int]): Channels of the incoming levels, finest first.
        rpn_head (dict): Config of ``EmbeddingRPNHead``: the Q learned boxes and
            queries.
        roi_head (dict): Config of ``SparseRoIHead`` with ``ClipDIIHead`` and
            ``DynamicMaskHead``: the stages, their losses and RoI extractors.
        criterion (dict, optional): Config of matching and losses,
            :class:`ClipRoICriterion`; needed for training only.
        num_tracks (int): (query, class) pairs that a clip keeps. Defaults to 10, the
            paper's.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        ValueError: If levels and RoI extractors differ in channels.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Sequence[int],
        rpn_head: dict,
        *,
        roi_head: dict,
        criterion: dict | None = None,
        num_tracks: int = 10,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.num_classes = num_classes
        self.in_channels = list(in_channels)
        self.num_tracks = num_tracks
        self.rpn_head = MODELS.build(rpn_head)
        self.roi_head = MODELS.build(
            dict(
                roi_head,
                bbox_head=dict(roi_head['bbox_head'], num_classes=num_classes),
                mask_head=dict(roi_head['mask_head'], num_classes=num_classes),
            )
        )
        self.criterion = None if criterion is None else MODELS.build(criterion)
        extractor = self.roi_head.bbox_roi_extractor[0]
        self.feat_strides = list(extractor.featmap_strides)
        expected = [extractor.out_channels] * len(self.feat_strides)
        if self.in_channels != expected:
            raise UserValueError(
                f'STQIHead looks into {len(expected)} levels of {expected[0]} channels '
                f'(head.roi_head.bbox_roi_extractor), but head.in_channels is '
                f'{self.in_channels}. Put a neck such as FPN before it.'
            )

    def forward_stages(self, features: ClipFeatures) -> Iterator[StageOutput]:
        """Run the stages one after the other.

        Args:
            features (ClipFeatures): Levels with ``in_channels`` channels at
                ``feat_strides``.

        Yields:
            StageOutput: Of each stage.
        """
        maps = _flat_maps(features)
        B, T = features.maps[0].shape[:2]
        whwh = self._frame_whwh(features)
        bboxes = bbox_cxcywh_to_xyxy(self.rpn_head.init_proposal_bboxes.weight)
        bboxes = (bboxes * whwh[:, None, None]).expand(-1, T, -1, -1)  # (B, T, Q, 4)
        query_feat = self.rpn_head.init_proposal_features.weight
        query_feat = query_feat.expand(B, T, -1, -1)
        for extractor, bbox_head in zip(
            self.roi_head.bbox_roi_extractor, self.roi_head.bbox_head
        ):
            rois = _as_rois(bboxes.detach().flatten(0, 1))
            roi_feat = extractor(maps, rois.flatten(0, 1))
            cls_logits, deltas, query_feat, attn_feats = bbox_head(roi_feat, query_feat)
            refined = bbox_head.bbox_coder.decode(
                bboxes.reshape(-1, 4), deltas.reshape(-1, 4).float()
            ).view_as(bboxes)
            mask_bboxes = self.mask_bboxes(refined, whwh)
            yield StageOutput(cls_logits, refined, attn_feats, mask_bboxes)
            bboxes = refined.detach()

    def mask_bboxes(self, bboxes: Tensor, whwh: Tensor) -> Tensor:
        """Boxes in which masks are made: here those of the objects.

        Args:
            bboxes (Tensor): Boxes of a stage, xyxy in pixels, shape (B, T, Q, 4).
            whwh (Tensor): Size of each clip's frames, shape (B, 4).

        Returns:
            Tensor: Boxes of the same shape.
        """
        return bboxes

    def forward(self, features: ClipFeatures) -> dict[str, Tensor]:
        """Predict the objects of a batch of clips.

        Args:
            features (ClipFeatures): As of :meth:`forward_stages`.

        Returns:
            dict[str, Tensor]: Of the last stage

            - ``cls_logits``: Shape (B, Q, T, K), for each frame.
            - ``bboxes``: xyxy in input pixels, shape (B, Q, T, 4).
            - ``mask_bboxes``: Boxes in which the masks are, as ``bboxes``.
            - ``mask_logits``: Within them, of the class with the best mean score,
              shape (B, Q, T, m, m).
        """
        features = _lay_out(features)
        *_, last = self.forward_stages(features)
        labels = argmax(last.cls_logits.sigmoid().mean(1))  # (B, Q)
        query_inds = torch.arange(labels.shape[1], device=labels.device)
        mask_logits = [
            self._predict_masks(features, last, b, query_inds, labels[b])
            for b in range(len(labels))
        ]
        return dict(
            cls_logits=last.cls_logits.transpose(1, 2),
            bboxes=last.bboxes.transpose(1, 2),
            mask_bboxes=last.mask_bboxes.transpose(1, 2),
            mask_logits=torch.stack(mask_logits),
        )

    def loss(
        self, features: ClipFeatures, data_samples: TrackSampleList
    ) -> dict[str, Tensor]:
        """Losses of all stages; see :class:`ClipRoICriterion`."""
        criterion = required_criterion(self.criterion)
        features = _lay_out(features)
        return criterion(
            self.forward_stages(features),
            data_samples,
            roi_head=self.roi_head,
            maps=_flat_maps(features),
            whwh=self._frame_whwh(features),
        )

    def predict(
        self, features: ClipFeatures, state: None = None
    ) -> tuple[list[RoIClipPrediction], None]:
        """Keep the best (query, class) pairs by their mean score over the frames.

        A query may be kept with several classes, each with a mask of its own. Masks
        are made for what is kept.

        Args:
            features (ClipFeatures): As of :meth:`forward_stages`.
            state (None): Clips are predicted independently.

        Returns:
            tuple[list[RoIClipPrediction], None]: One for each of the B clips, best
            first, with the index of the pair, query * K + class, as ``query_inds``;
            no state.
        """
        features = _lay_out(features)
        *_, last = self.forward_stages(features)
        clips = range(len(last.bboxes))
        return [self._keep_best(features, last, b) for b in clips], None

    def _keep_best(
        self, features: ClipFeatures, last: StageOutput, b: int
    ) -> RoIClipPrediction:
        scores = last.cls_logits[b].float().sigmoid().mean(0)  # (Q, K)
        num_tracks = min(self.num_tracks, scores.numel())
        pairs = rank(scores.flatten())[:num_tracks]
        scores = scores.flatten()[pairs]
        query_inds = pairs // self.num_classes
        labels = pairs % self.num_classes
        cls_probs = scores.new_zeros(num_tracks, self.num_classes + 1)
        cls_probs.scatter_(1, labels[:, None], scores[:, None])
        cls_probs[:, -1] = 1 - scores
        h, w = _frame_sizes(features)[b]
        bboxes = last.mask_bboxes[b][:, query_inds].transpose(0, 1)  # (N, T, 4)
        return RoIClipPrediction(
            cls_probs=cls_probs,
            roi_logits=self._predict_masks(features, last, b, query_inds, labels),
            bboxes=bboxes / bboxes.new_tensor([w, h, w, h]),
            grid_size=(-int(-h // _GRID_STRIDE), -int(-w // _GRID_STRIDE)),
            query_inds=pairs,
            are_object_boxes=last.mask_bboxes is last.bboxes,
        )

    def _predict_masks(
        self,
        features: ClipFeatures,
        last: StageOutput,
        b: int,
        query_inds: Tensor,
        labels: Tensor,
    ) -> Tensor:
        """Mask logits of N queries of clip b for one class each, (N, T, m, m)."""
        maps = [m[b] for m in features.maps]  # (T, C, H, W)
        rois = _as_rois(last.mask_bboxes[b][:, query_inds])  # (T, N, 5)
        T, N = rois.shape[:2]
        rois = rois.flatten(0, 1)
        attn_feats = last.attn_feats[b][:, query_inds].flatten(0, 1)
        labels = labels.repeat(T)
        extractor, mask_head = (
            self.roi_head.mask_roi_extractor[-1],
            self.roi_head.mask_head[-1],
        )
        logits = []
        roi_inds = torch.arange(T * N, device=rois.device)
        for part in roi_inds.split(memory_limits.ROI_MASKS_AT_ONCE):
            all_classes = mask_head(extractor(maps, rois[part]), attn_feats[part])
            picked = torch.arange(len(part), device=part.device)
            logits.append(all_classes[picked, labels[part]])
        return torch.cat(logits).unflatten(0, (T, N)).transpose(0, 1)

    @staticmethod
    def _frame_whwh(features: ClipFeatures) -> Tensor:
        """Width, height, width, height of each clip's frames, shape (B, 4)."""
        sizes = [[w, h, w, h] for h, w in _frame_sizes(features)]
        return features.maps[0].new_tensor(sizes, dtype=torch.float32)


def _frame_sizes(features: ClipFeatures) -> Sequence[tuple[int, int]]:
    """Height and width of each clip's frames, pixels, known to the host."""
    if features.frame_sizes is not None:
        return features.frame_sizes
    x, stride = features.maps[0], features.feat_strides[0]
    return [(x.shape[-2] * stride, x.shape[-1] * stride)] * len(x)


def _lay_out(features: ClipFeatures) -> ClipFeatures:
    """Lay the maps out as RoIAlign reads them, once for all stages."""
    B, T = features.maps[0].shape[:2]
    maps = [roi_align_layout(m) for m in _flat_maps(features)]
    return features.replace(maps=tuple(m.unflatten(0, (B, T)) for m in maps))


def _flat_maps(features: ClipFeatures) -> list[Tensor]:
    """Maps (B*T, C, H, W), frames as images of their own."""
    return [m.flatten(0, 1) for m in features.maps]


def _as_rois(bboxes: Tensor) -> Tensor:
    """Put the index of its image before each box: (n, Q, 4) to (n, Q, 5)."""
    n, Q, _ = bboxes.shape
    image_inds = torch.arange(n, device=bboxes.device, dtype=bboxes.dtype)
    return torch.cat([image_inds.view(n, 1, 1).expand(n, Q, 1), bboxes], dim=2)
