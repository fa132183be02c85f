"""VidEoMT's head: the last blocks of a ViT, with query propagation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.structures import TrackSampleList
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmvis.errors import UserValueError
from mmvis.models.layers import (
    ViTBlock,
    inner_products,
    rotary_position,
    run_recomputed,
    stack_layers,
)
from mmvis.models.losses.required_criterion import required_criterion
from mmvis.models.vis_heads.crop_masks import crop_masks
from mmvis.models.vis_heads.mask_upscaler import MaskUpscaler
from mmvis.registry import MODELS
from mmvis.structures import ClipFeatures, ClipPrediction

__all__ = ['VidEoMTHead']


@MODELS.register_module()
class VidEoMTHead(BaseModule):
    """Encode queries with the tokens of each frame, and propagate them in time.

    VidEoMT (Norouzi et al., CVPR 2026): Q queries and the tokens of a frame go through
    the last blocks of a ViT together; their outputs, fused with the learned
    queries, start the next frame. The index of a query is the identity of an object.
    Without ``propagation`` it is EoMT (Kerssies et al., CVPR 2025): each frame starts
    with the learned queries.

    With ``attn_mask_probs`` above 0, queries attend only to the patches of the mask
    that they predict before a block (EoMT, Sec. 3.2), each with that probability, in
    testing, too: :class:`MaskAnnealingHook` lowers it to 0 during training.

    Args:
        num_classes (int): K, without the no-object class.
        in_channels (Sequence[int]): Channels of the incoming levels, finest first; of
            the coarsest, the only one that is read, C. Tokens join if they have C
            channels: a ViT's own do, those of other backbones do not.
        layer (dict): Arguments of :class:`ViTBlock` without ``embed_dims``.
        num_blocks (int): Blocks. Defaults to 3.
        num_queries (int): Q. Defaults to 200.
        num_upscale_steps (int): How often the resolution is doubled for the masks.
            Defaults to 2.
        position (str): As of the backbone: 'absolute', which patches have already, or
            'rotary', which each block needs again. Defaults to 'absolute'.
        propagation (str, optional): How the queries of the next frame come about:
            'linear', VidEoMT's layer whose output is added to the learned queries;
            'gru', the recurrent cell of LVMT; None, they do not. Defaults to 'linear'.
        max_grad_frames (int, optional): Frames through which gradients flow back; each
            such number of frames, the gradient is stopped (LVMT: 15). Defaults
            to None: all frames of a clip.
        criterion (dict, optional): Config of the training losses,
            :class:`FrameMaskCriterion` without ``num_classes``.
        with_cp (bool): Recompute activations in the backward pass to save memory.
            Defaults to False.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        ValueError: If ``position`` or ``propagation`` is none of these.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Sequence[int],
        layer: dict,
        num_blocks: int = 3,
        num_queries: int = 200,
        num_upscale_steps: int = 2,
        position: str = 'absolute',
        propagation: str | None = 'linear',
        max_grad_frames: int | None = None,
        criterion: dict | None = None,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        _check_choice('position', position, ('absolute', 'rotary'))
        _check_choice('propagation', propagation, ('linear', 'gru', None))
        self.num_classes = num_classes
        self.in_channels = list(in_channels)
        embed_dims = self.in_channels[-1]
        self.token_channels = embed_dims
        self.num_queries = num_queries
        self.num_upscale_steps = num_upscale_steps
        self.position = position
        self.propagation = propagation
        self.max_grad_frames = max_grad_frames
        self.with_cp = with_cp
        self.query_feat = nn.Embedding(num_queries, embed_dims)
        self.blocks = stack_layers(ViTBlock, num_blocks, embed_dims, layer)
        self.head_channels = embed_dims // layer['num_heads']
        self.norm = nn.LayerNorm(embed_dims, eps=1e-6)
        self.class_embed = nn.Linear(embed_dims, num_classes + 1)
        self.mask_embed = nn.Sequential(
            nn.Linear(embed_dims, embed_dims),
            nn.GELU(),
            nn.Linear(embed_dims, embed_dims),
            nn.GELU(),
            nn.Linear(embed_dims, embed_dims),
        )
        self.products = inner_products  # the fast mode replaces it
        self.upscaler = MaskUpscaler(embed_dims, num_upscale_steps)
        self.query_updater: nn.Module
        if propagation == 'linear':
            self.query_updater = nn.Linear(embed_dims, embed_dims)
        elif propagation == 'gru':
            self.query_updater = nn.GRUCell(embed_dims, embed_dims)
        self.register_buffer('attn_mask_probs', torch.ones(num_blocks))
        self.criterion = (
            None
            if criterion is None
            else MODELS.build(dict(criterion, num_classes=num_classes))
        )

    def forward(self, features: ClipFeatures) -> dict[str, Tensor]:
        """Predict the objects of a batch of clips, each the beginning of a video.

        Returns:
            dict[str, Tensor]: See :meth:`step`.
        """
        return self.step(features)[0]

    def step(
        self, features: ClipFeatures, queries: Tensor | None = None
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Predict the objects of the next frames.

        Args:
            features (ClipFeatures): The coarsest level (B, T, C, H, W), and tokens.
            queries (Tensor, optional): What the frames before ended with, shape
                (B, Q, C). Defaults to None: there are none.

        Returns:
            tuple[dict[str, Tensor], Tensor]:

            - ``cls_logits`` (B, Q, T, K+1), no-object last, and ``mask_logits``
              (B, Q, T, h, w), several times finer than the level.
            - queries for the frames that follow, shape (B, Q, C).
        """
        layers, queries = self._run(features, queries, supervised=False)
        return layers[-1], queries

    def forward_layers(self, features: ClipFeatures) -> list[dict[str, Tensor]]:
        """Predict before each block and after the last, for deep supervision.

        Returns:
            list[dict]: One dict for each, as :meth:`step` returns.
        """
        return self._run(features, None, supervised=True)[0]

    def loss(
        self, features: ClipFeatures, data_samples: TrackSampleList
    ) -> dict[str, Tensor]:
        """Losses of all predictions; see :class:`FrameMaskCriterion`."""
        criterion = required_criterion(self.criterion)
        return criterion(self.forward_layers(features), data_samples)

    def predict(
        self, features: ClipFeatures, state: Tensor | None = None
    ) -> tuple[list[ClipPrediction], Tensor]:
        """Predict the next frames of videos: a prediction for each query.

        Class logits are averaged over the frames.

        Args:
            features (ClipFeatures): As for :meth:`step`.
            state (Tensor, optional): Queries that the frames before ended with, shape
                (B, Q, C). Defaults to None: there are none.

        Returns:
            tuple[list[ClipPrediction], Tensor]: One for each of the B clips, and the
            state for the frames that follow.
        """
        outputs, state = self.step(features, state)
        query_inds = torch.arange(self.num_queries, device=state.device)
        mask_stride = features.feat_strides[-1] // 2**self.num_upscale_steps
        predictions = []
        for b, logits in enumerate(outputs['cls_logits'].mean(2)):
            masks = outputs['mask_logits'][b]
            if features.frame_sizes is not None:
                masks = crop_masks(masks, features.frame_sizes[b], mask_stride)
            predictions.append(ClipPrediction(logits.softmax(-1), masks, query_inds))
        return predictions, state

    def _run(
        self, features: ClipFeatures, queries: Tensor | None, supervised: bool
    ) -> tuple[list[dict[str, Tensor]], Tensor]:
        """Predict frame after frame.

        Args:
            features (ClipFeatures): As for :meth:`step`.
            queries (Tensor | None): As for :meth:`step`.
            supervised (bool): Predict before each block, not only where queries attend
                to what they predict.

        Returns:
            tuple[list[dict], Tensor]: Predictions before the blocks and after the last,
            and the queries for the frames that follow.
        """
        x = features.maps[-1]
        H, W = x.shape[-2:]
        tokens = x.flatten(3).transpose(2, 3)  # (B, T, H*W, C)
        tokens = torch.cat([*_extra_tokens(features), tokens], dim=2)
        learned = self.query_feat.weight.expand(len(x), -1, -1)
        queries = learned if queries is None else queries
        mask_probs = self.attn_mask_probs.tolist()
        frames = _FrameStack(features.num_frames)
        for t in range(features.num_frames):
            if self.max_grad_frames and t and t % self.max_grad_frames == 0:
                queries = queries.detach()
            joint = torch.cat([queries, tokens[:, t]], dim=1)
            layers, joint = self._run_frame(joint, (H, W), mask_probs, supervised)
            frames.add(layers)
            queries = self._propagate(joint[:, : self.num_queries], queries, learned)
        return frames.stacked(), queries

    def _run_frame(
        self,
        x: Tensor,
        size: tuple[int, int],
        mask_probs: Sequence[float],
        supervised: bool,
    ) -> tuple[list[dict[str, Tensor]], Tensor]:
        """Run the blocks on queries and tokens (B, Q+M+H*W, C) of one frame."""
        rotation = None
        if self.position == 'rotary':
            rotation = rotary_position(size, self.head_channels, x)
        layers = []
        for block, prob in zip(self.blocks, mask_probs):
            attn_mask = None
            if supervised or prob > 0:
                layers.append(self._predict_frame(x, size))
            if prob > 0:
                attn_mask = self._attention_mask(
                    layers[-1]['mask_logits'], x.shape[1], size, prob
                )
            x = run_recomputed(block, x, attn_mask, rotation, with_cp=self.with_cp)
        layers.append(self._predict_frame(x, size))
        return layers, x

    def _predict_frame(self, x: Tensor, size: tuple[int, int]) -> dict[str, Tensor]:
        """Predict classes (B, Q, K+1) and masks (B, Q, h, w) from a frame's tokens."""
        x = self.norm(x)
        queries, patches = x[:, : self.num_queries], x[:, -size[0] * size[1] :]
        mask_features = self.upscaler(patches.transpose(1, 2).unflatten(-1, size))
        masks = self.products(
            self.mask_embed(queries), mask_features.flatten(2).transpose(1, 2)
        )
        return dict(
            cls_logits=self.class_embed(queries),
            mask_logits=masks.unflatten(-1, mask_features.shape[-2:]),
        )

    @torch.no_grad()
    def _attention_mask(
        self, mask_logits: Tensor, num_tokens: int, size: tuple[int, int], prob: float
    ) -> Tensor:
        """Attention mask: queries attend, with ``prob``, only to the patches they mask.

        Returns:
            Tensor: Bool, shape (B, 1, N, N) for N tokens.
        """
        inside = F.interpolate(mask_logits, size=size, mode='bilinear').flatten(2) > 0
        is_free = torch.rand(inside.shape[:2], device=inside.device) > prob
        attends = inside.new_ones(len(inside), num_tokens, num_tokens)
        patches = slice(num_tokens - inside.shape[-1], None)
        attends[:, : self.num_queries, patches] = inside | is_free[..., None]
        return attends[:, None]

    def _propagate(self, outputs: Tensor, queries: Tensor, learned: Tensor) -> Tensor:
        """Queries (B, Q, C) of the next frame."""
        if self.propagation == 'linear':
            return self.query_updater(outputs) + learned
        if self.propagation == 'gru':
            states = self.query_updater(outputs.flatten(0, 1), queries.flatten(0, 1))
            return states.view_as(outputs)
        return learned


def _extra_tokens(features: ClipFeatures) -> list[Tensor]:
    """Class token and registers, or what a neck made: (B, T, M, C) if it has C."""
    tokens = features.tokens
    if tokens is None or tokens.shape[-1] != features.maps[-1].shape[2]:
        return []
    if features.token_pos is not None:
        tokens = tokens + features.token_pos
    return [tokens]


class _FrameStack:
    """Predictions of T frames, each (B, Q, ...), as (B, Q, T, ...).

    Without gradients, each frame is written where it belongs at once, so that the masks
    of a clip are not held twice.

    Args:
        num_frames (int): T.
    """

    def __init__(self, num_frames: int) -> None:
        self._num_frames = num_frames
        self._frames: list[list[dict[str, Tensor]]] = []
        self._num_added = 0

    def add(self, layers: list[dict[str, Tensor]]) -> None:
        """Add the predictions of the next frame, one dict for each layer."""
        if torch.is_grad_enabled() or self._num_frames == 1:
            self._frames.append(layers)
            return
        if not self._frames:
            self._frames.append([self._make_room(layer) for layer in layers])
        for whole, layer in zip(self._frames[0], layers):
            for key, value in layer.items():
                whole[key][:, :, self._num_added] = value
        self._num_added += 1

    def stacked(self) -> list[dict[str, Tensor]]:
        """Return the predictions of all frames, one dict for each layer."""
        if self._num_added > 0:
            return self._frames[0]
        return [
            {key: torch.stack([x[key] for x in layers], 2) for key in layers[0]}
            for layers in zip(*self._frames)
        ]

    def _make_room(self, layer: dict[str, Tensor]) -> dict[str, Tensor]:
        return {
            key: x.new_empty(*x.shape[:2], self._num_frames, *x.shape[2:])
            for key, x in layer.items()
        }


def _check_choice(name: str, value: str | None, choices: tuple) -> None:
    if value not in choices:
        raise UserValueError(
            f'head.{name} must be one of {", ".join(map(repr, choices))}, got '
            f'{value!r}.'
        )
