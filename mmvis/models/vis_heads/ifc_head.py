"""IFC's head: classes and dynamic mask kernels from clip queries."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.models.layers import MLP
from mmdet.structures import TrackSampleList
from mmengine.model import BaseModule
from torch import Tensor

from mmvis.errors import UserValueError
from mmvis.models.losses.required_criterion import required_criterion
from mmvis.models.vis_heads.mask_feature_fusion import MaskFeatureFusion
from mmvis.registry import MODELS
from mmvis.structures import ClipFeatures, ClipPrediction
from mmvis.ties import argmax

__all__ = ['IFCHead']


@MODELS.register_module()
class IFCHead(BaseModule):
    """Head of IFC (Hwang et al., NeurIPS 2021), Sec. 3.2.

    Args:
        num_classes (int): K, without the no-object class.
        in_channels (Sequence[int]): Channels of the incoming levels, finest
            first; the last must be ``embed_dims``.
        decoder (dict): Config of :class:`ClipDecoder` without ``num_queries`` and
            ``embed_dims``.
        num_levels (int): How many levels, counted from the coarsest, make the
            mask features; the finest of these sets the resolution of the masks.
            Defaults to 3.
        embed_dims (int): C. Defaults to 256.
        num_queries (int): Q. Defaults to 100.
        num_groups (int): Groups of the mask branch's norms. Defaults to 32.
        criterion (dict, optional): Config of the training losses,
            :class:`ClipMaskCriterion` without ``num_classes``.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        ValueError: If the coarsest level does not have ``embed_dims`` channels,
            or there are fewer levels than ``num_levels``.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Sequence[int],
        *,
        decoder: dict,
        num_levels: int = 3,
        embed_dims: int = 256,
        num_queries: int = 100,
        num_groups: int = 32,
        criterion: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.in_channels = list(in_channels)
        if self.in_channels[-1] != embed_dims or len(self.in_channels) < num_levels:
            raise UserValueError(
                f'IFCHead reads at least num_levels={num_levels} levels, the '
                f'coarsest with embed_dims={embed_dims} channels, but '
                f'head.in_channels is {self.in_channels}. Put a neck such as '
                'MemoryTokenNeck before it, or set head.embed_dims.'
            )
        self.num_classes = num_classes
        self.num_levels = num_levels
        self.token_channels = embed_dims
        self.decoder = MODELS.build(
            dict(decoder, num_queries=num_queries, embed_dims=embed_dims)
        )
        self.class_embed = MLP(embed_dims, embed_dims, num_classes + 1, 2)
        self.mask_features = MaskFeatureFusion(
            self.in_channels[-num_levels:], embed_dims, num_groups
        )
        self.mask_kernels = MLP(embed_dims, embed_dims, embed_dims, 3)
        self.criterion = (
            None
            if criterion is None
            else MODELS.build(dict(criterion, num_classes=num_classes))
        )

    def forward_layers(self, features: ClipFeatures) -> list[dict[str, Tensor]]:
        """Predict from the queries after every decoder layer.

        Args:
            features (ClipFeatures): Levels with ``in_channels`` channels.

        Returns:
            list[dict]: One dict a layer, as :meth:`forward` returns.
        """
        return self._predict_layers(self.decoder(features), features)

    def forward(self, features: ClipFeatures) -> dict[str, Tensor]:
        """Predict the objects of a batch of clips.

        Args:
            features (ClipFeatures): Levels with ``in_channels`` channels.

        Returns:
            dict[str, Tensor]:

            - ``cls_logits``: Shape (B, Q, K+1), no-object last.
            - ``mask_logits``: Shape (B, Q, T, h, w) at the finest level used.
        """
        return self._predict_layers(self.decoder(features)[-1:], features)[0]

    def prepare_frames(self, features: ClipFeatures) -> ClipFeatures:
        """Project the finer levels that are read, unless that was done.

        Args:
            features (ClipFeatures): Levels with ``in_channels`` channels.

        Returns:
            ClipFeatures: With these levels among the prepared.
        """
        lateral_convs = self.mask_features.lateral_convs
        return features.project(dict(enumerate(lateral_convs, -self.num_levels)))

    def _fuse(self, features: ClipFeatures) -> Tensor:
        maps = [m.flatten(0, 1) for m in features.maps[-self.num_levels :]]
        fused = self.mask_features(maps, are_projected=-2 in features.prepared)
        return fused.unflatten(0, (-1, features.num_frames))  # (B, T, C, h, w)

    def _predict_layers(self, queries: Tensor, features: ClipFeatures) -> list[dict]:
        """Predict from queries of shape (L, B, Q, C)."""
        mask_features = self._fuse(features)
        predictions = []
        for query in queries:
            kernels = self.mask_kernels(query)  # (B, Q, C): one kernel for all frames
            logits = torch.einsum('bqc,btchw->bqthw', kernels, mask_features)
            predictions.append(
                dict(cls_logits=self.class_embed(query), mask_logits=logits)
            )
        return predictions

    def loss(
        self, features: ClipFeatures, data_samples: TrackSampleList
    ) -> dict[str, Tensor]:
        """Losses of all decoder layers; see :class:`ClipMaskCriterion`."""
        criterion = required_criterion(self.criterion)
        return criterion(self.forward_layers(features), data_samples)

    def predict(
        self, features: ClipFeatures, state: None = None
    ) -> tuple[list[ClipPrediction], None]:
        """Keep the queries whose best class is not no-object.

        Args:
            features (ClipFeatures): As of :meth:`forward`.
            state (None): Clips are predicted independently.

        Returns:
            tuple[list[ClipPrediction], None]: One for each of the B clips; no state.
        """
        outputs = self(features)
        predictions = []
        for cls_logits, mask_logits in zip(*outputs.values()):
            probs = cls_logits.softmax(-1)
            # One question to the device, whose answer selects everything.
            kept = (argmax(probs) != self.num_classes).nonzero()[:, 0]
            predictions.append(ClipPrediction(probs[kept], mask_logits[kept], kept))
        return predictions, None
