"""VisTR's head: one query for each instance in each frame."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from mmdet.models.layers import MLP
from mmdet.structures import TrackSampleList
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvis import memory_limits
from mmvis.errors import UserValueError
from mmvis.models.layers import run_recomputed
from mmvis.models.losses.required_criterion import required_criterion
from mmvis.models.vis_heads.box_attention import BoxAttention
from mmvis.models.vis_heads.deformable_mask_head import DeformableMaskHead
from mmvis.models.vis_heads.sequence_mask_head import SequenceMaskHead
from mmvis.models.vis_heads.sequence_votes import vote_classes
from mmvis.registry import MODELS
from mmvis.structures import ClipFeatures, ClipPrediction
from mmvis.ties import exceeds

__all__ = ['VisTRHead']

# Mask logit in frames where the instance is absent.
_ABSENT = -10.0


@MODELS.register_module()
class VisTRHead(BaseModule):
    """Head of VisTR (Wang et al., CVPR 2021), Sec. 3.2 and 3.3.

    Every one of N instances has a query in each of T frames; together they are the
    instance's sequence. A query gives a class and a box for its frame, and, with the
    encoded frame, mask features, which the frames of a sequence then refine.

    Queries belong to frames, so that T is fixed when the head is built; the model
    fills shorter clips (:meth:`ClipFeatures.repeat_frames`), and longer videos are cut
    into clips. Outputs are those of the real frames only.

    Memory: mask features of all instances and frames at the finest level, C/16
    channels each; all else is made for some of them at a time, see
    :mod:`mmvis.memory_limits`.

    Args:
        num_classes (int): K, without the no-object class.
        in_channels (Sequence[int]): Channels of the incoming levels, finest first;
            the last must be ``embed_dims``. The finest sets the resolution of the
            masks.
        decoder (dict): Config of :class:`ClipDecoder` without ``num_queries``,
            ``embed_dims`` and ``with_cp``.
        clip_len (int): T. Defaults to 36.
        num_instances (int): N, the most objects that a clip can have. Defaults to 10.
        embed_dims (int): C. Defaults to 384.
        num_attention_maps (int): M, box attention maps of an instance. Defaults to 8.
        num_groups (int): Groups of the norms of the mask features. Defaults to 8.
        num_sequence_groups (int): Groups of the norms of the 3-D convolutions.
            Defaults to 4.
        num_unused_classes (int): Classes between the K and no-object that no object
            has. The published checkpoints have one, their class 0. Defaults to 0.
        min_frame_score (float): A sequence has no mask in frames whose best class has
            a lower probability. Defaults to 0.001, the original's value.
        with_cp (bool): Recompute activations of decoder and mask branch in the
            backward pass to save memory. Defaults to False.
        criterion (dict, optional): Config of the training losses,
            :class:`InstanceSequenceCriterion` without the numbers of classes.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        ValueError: If the coarsest level does not have ``embed_dims`` channels, or
            there is no finer one.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Sequence[int],
        *,
        decoder: dict,
        clip_len: int = 36,
        num_instances: int = 10,
        embed_dims: int = 384,
        num_attention_maps: int = 8,
        num_groups: int = 8,
        num_sequence_groups: int = 4,
        num_unused_classes: int = 0,
        min_frame_score: float = 0.001,
        with_cp: bool = False,
        criterion: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.in_channels = list(in_channels)
        if self.in_channels[-1] != embed_dims or len(self.in_channels) < 2:
            raise UserValueError(
                'VisTRHead reads at least two levels, the coarsest with '
                f'embed_dims={embed_dims} channels, but head.in_channels is '
                f'{self.in_channels}. Put a neck such as SpaceTimeEncoderNeck before '
                'it, or set head.embed_dims.'
            )
        self.num_classes = num_classes
        self.num_unused_classes = num_unused_classes
        self.clip_len = clip_len
        self.token_channels = embed_dims
        self.num_instances = num_instances
        self.min_frame_score = min_frame_score
        self.with_cp = with_cp
        self.decoder = MODELS.build(
            dict(
                decoder,
                num_queries=clip_len * num_instances,
                embed_dims=embed_dims,
                with_cp=with_cp,
            )
        )
        self.class_embed = nn.Linear(embed_dims, num_classes + num_unused_classes + 1)
        self.bbox_embed = MLP(embed_dims, embed_dims, 4, 3)
        self.bbox_attention = BoxAttention(embed_dims, num_attention_maps)
        self.mask_head = DeformableMaskHead(
            embed_dims, num_attention_maps, self.in_channels[:-1], num_groups
        )
        self.sequence_head = SequenceMaskHead(
            self.mask_head.out_channels, num_sequence_groups
        )
        counts = dict(num_classes=num_classes, num_unused_classes=num_unused_classes)
        self.criterion = (
            None if criterion is None else MODELS.build(dict(criterion, **counts))
        )

    def forward_layers(self, features: ClipFeatures) -> list[dict[str, Tensor]]:
        """Predict from the queries after every decoder layer.

        Args:
            features (ClipFeatures): Levels with ``in_channels`` channels, T frames.

        Returns:
            list[dict]: One dict a layer, as :meth:`forward` returns; only the last
            has ``mask_logits``.
        """
        queries = self.decoder(features)
        layers = [self._predict_boxes(query, features) for query in queries]
        layers[-1]['mask_logits'] = self._predict_masks(queries[-1], features)
        return layers

    def forward(self, features: ClipFeatures) -> dict[str, Tensor]:
        """Predict the objects of a batch of clips.

        Args:
            features (ClipFeatures): Levels with ``in_channels`` channels, T frames.

        Returns:
            dict[str, Tensor]: For the t frames that are no repetitions:

            - ``cls_logits``: Shape (B, N, t, K+U+1), no-object last.
            - ``bboxes_cxcywh``: Shape (B, N, t, 4), relative to the frame.
            - ``mask_logits``: Shape (B, N, t, h, w) at the finest level.
        """
        query = self.decoder(features)[-1]
        outputs = self._predict_boxes(query, features)
        return dict(outputs, mask_logits=self._predict_masks(query, features))

    def _predict_boxes(self, query: Tensor, features: ClipFeatures) -> dict:
        """Classes and boxes from queries (B, T*N, C), instances first."""
        num_frames = features.num_frames - features.num_repeats
        by_frame = query.unflatten(1, (self.clip_len, self.num_instances))
        query = by_frame[:, :num_frames].transpose(1, 2)  # (B, N, t, C)
        return dict(
            # Areas and sums over pixels are too large for half precision.
            cls_logits=self.class_embed(query).float(),
            bboxes_cxcywh=self.bbox_embed(query).float().sigmoid(),
        )

    def prepare_frames(self, features: ClipFeatures) -> ClipFeatures:
        """Project the finer levels, unless that was done.

        Args:
            features (ClipFeatures): Levels with ``in_channels`` channels.

        Returns:
            ClipFeatures: With these levels among the prepared.
        """
        laterals = self.mask_head.lateral_convs  # from the coarsest
        return features.project({-2 - i: conv for i, conv in enumerate(laterals)})

    def _predict_masks(self, query: Tensor, features: ClipFeatures) -> Tensor:
        """Mask logits (B, N, t, h, w) from queries (B, T*N, C)."""
        B, T = features.maps[0].shape[:2]
        N = self.num_instances
        query = query.unflatten(1, (T, N)).flatten(0, 1)  # (B*T, N, C)
        maps = [m.flatten(0, 1) for m in features.maps]
        padding_mask = features.padding_masks[-1].flatten(0, 1)
        num_frames = max(1, memory_limits.INSTANCE_MAPS_AT_ONCE // N)
        frame_features = partial(
            self._frame_features, are_projected=-2 in features.prepared
        )
        parts = [
            run_recomputed(frame_features, *part, with_cp=self.with_cp)
            for part in zip(
                *(x.split(num_frames) for x in (query, padding_mask, *maps))
            )
        ]
        x = torch.cat(parts).unflatten(0, (B, T))  # (B, T, N, c, h, w)
        x = x.permute(0, 2, 3, 1, 4, 5).flatten(0, 1)  # (B*N, c, T, h, w)
        num_instances = max(1, memory_limits.INSTANCE_MAPS_AT_ONCE // T)
        masks = [
            run_recomputed(self.sequence_head, part, with_cp=self.with_cp)
            for part in x.split(num_instances)
        ]
        masks = torch.cat(masks).unflatten(0, (B, N))
        return masks[:, :, : T - features.num_repeats]

    def _frame_features(
        self,
        query: Tensor,
        padding_mask: Tensor,
        *maps: Tensor,
        are_projected: bool,
    ) -> Tensor:
        """Mask features (F, N, c, h, w) of the instances of F frames."""
        attention = self.bbox_attention(query, maps[-1], padding_mask)
        return self.mask_head(maps[-1], attention, maps[:-1], are_projected)

    def loss(
        self, features: ClipFeatures, data_samples: TrackSampleList
    ) -> dict[str, Tensor]:
        """Losses of all decoder layers; see :class:`InstanceSequenceCriterion`."""
        criterion = required_criterion(self.criterion)
        return criterion(self.forward_layers(features), data_samples)

    def predict(
        self, features: ClipFeatures, state: None = None
    ) -> tuple[list[ClipPrediction], None]:
        """Keep the sequences with a mask and a class that objects can have.

        Args:
            features (ClipFeatures): As of :meth:`forward`.
            state (None): Clips are predicted independently.

        Returns:
            tuple[list[ClipPrediction], None]: One for each of the B clips; no state.
        """
        outputs = self(features)
        predictions = [
            self.join_frames(cls_logits, mask_logits)
            for cls_logits, mask_logits in zip(
                outputs['cls_logits'], outputs['mask_logits']
            )
        ]
        return predictions, None

    def join_frames(self, cls_logits: Tensor, mask_logits: Tensor) -> ClipPrediction:
        """Combine the outputs for the frames of one clip.

        Args:
            cls_logits (Tensor): Shape (N, t, K+U+1).
            mask_logits (Tensor): Shape (N, t, h, w).

        Returns:
            ClipPrediction: At most N predictions.
        """
        probs = cls_logits.softmax(-1)
        cls_probs, is_class = self.join_classes(probs)
        has_mask = exceeds(mask_logits.flatten(1).amax(1).sigmoid(), 0.5)
        kept = (is_class & has_mask).nonzero()[:, 0]  # asks the device once
        frame_scores = probs[..., :-1].amax(-1)  # (N, t)
        is_absent = exceeds(self.min_frame_score, frame_scores)[..., None, None]
        mask_logits = mask_logits.masked_fill(is_absent, _ABSENT)
        return ClipPrediction(cls_probs[kept], mask_logits[kept], kept)

    def join_classes(self, probs: Tensor) -> tuple[Tensor, Tensor]:
        """Give each sequence the class that most of its frames vote for.

        Args:
            probs (Tensor): Class probabilities, shape (N, t, K+U+1).

        Returns:
            tuple[Tensor, Tensor]: Class probabilities of the sequences (N, K+1): the
            mean of the frames' best scores, and what is missing to 1 for no-object;
            whether objects can have the class that won (N,).
        """
        K = self.num_classes
        winners, scores = vote_classes(probs, K)
        cls_probs = probs.new_zeros(len(probs), K + 1)
        cls_probs.scatter_(1, winners.clamp(max=K)[:, None], scores[:, None])
        cls_probs[:, K] = 1 - scores
        return cls_probs, winners < K
