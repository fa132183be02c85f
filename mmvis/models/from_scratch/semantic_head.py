"""Auxiliary head that classifies each feature cell."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.structures import TrackDataSample, TrackSampleList
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmvis.models.task_modules.clip_targets import clip_targets
from mmvis.registry import MODELS
from mmvis.structures import ClipFeatures

__all__ = ['SemanticHead']

# Weight of the background in the cross entropy.
_BACKGROUND_WEIGHT = 0.2


@MODELS.register_module()
class SemanticHead(BaseModule):
    """Classify every cell of the coarsest level, in training only.

    With set prediction alone a backbone learns slowly, since gradients come from the
    few cells that queries attend to. Where no pre-trained weights are available, this
    head gives every cell a target: as ``auxiliary_head`` beside any head, or alone as
    ``head`` in a short pre-training of the backbone.

    Args:
        num_classes (int): K, without background.
        in_channels (Sequence[int]): Channels of the incoming levels.
        loss_weight (float): Defaults to 1.0.
        init_cfg (dict, optional): Initialisation config.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Sequence[int],
        loss_weight: float = 1.0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.num_classes = num_classes
        self.in_channels = list(in_channels)
        self.class_weight = [1.0] * num_classes + [_BACKGROUND_WEIGHT]
        self.loss_weight = loss_weight
        self.classifier = nn.Conv2d(self.in_channels[-1], num_classes + 1, 1)

    def forward(self, features: ClipFeatures) -> dict[str, Tensor]:
        """Classify the cells of a batch of clips.

        Args:
            features (ClipFeatures): Levels with ``in_channels`` channels.

        Returns:
            dict[str, Tensor]: ``sem_logits`` of shape (B*T, K+1, H, W), background
            last.
        """
        return dict(sem_logits=self.classifier(features.maps[-1].flatten(0, 1)))

    def loss(
        self, features: ClipFeatures, data_samples: TrackSampleList
    ) -> dict[str, Tensor]:
        """Cross entropy with the share of each class in each cell.

        Args:
            features (ClipFeatures): Levels with ``in_channels`` channels.
            data_samples (list[TrackDataSample]): Ground truth of the B clips.

        Returns:
            dict[str, Tensor]: ``loss_semantic``, a mean over cells.
        """
        logits = self(features)['sem_logits']
        shares = [
            self.class_shares(sample, logits) for sample in data_samples
        ]  # B of (T, K+1, H, W)
        loss = F.cross_entropy(
            logits, torch.cat(shares), weight=logits.new_tensor(self.class_weight)
        )
        return dict(loss_semantic=self.loss_weight * loss)

    def class_shares(self, sample: TrackDataSample, logits: Tensor) -> Tensor:
        """How much of each cell each class covers, shape (T, K+1, H, W)."""
        gt = clip_targets(sample, sample[0].batch_input_shape, logits)
        T, H, W = gt.masks.shape[1], *logits.shape[-2:]
        covered = F.adaptive_avg_pool2d(gt.masks, (H, W))  # (N, T, H, W)
        shares = logits.new_zeros(self.num_classes, T, H, W)
        shares.index_add_(0, gt.labels, covered)
        background = (1 - shares.sum(0, keepdim=True)).clamp(min=0)
        return torch.cat([shares, background]).transpose(0, 1)
