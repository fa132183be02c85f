"""Base class of necks whose frames exchange information through tokens."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mmvis.models.layers import (
    EncoderLayer,
    level_position,
    sine_position,
    stack_layers,
)
from mmvis.models.necks.encoder_neck import EncoderNeck
from mmvis.structures import ClipFeatures

__all__ = ['FrameTokenNeck']


class FrameTokenNeck(EncoderNeck):
    """Layers over the cells and tokens of each frame, with exchange between them.

    In each layer the cells of a frame's coarsest map and its M tokens attend to
    each other; then the tokens of all frames of a clip exchange information in
    :meth:`exchange`. The finer levels pass unchanged. A subclass owns the tokens and
    defines the exchange. The first layer sees single frames, see
    :meth:`prepare_frames`.

    Args:
        in_channels (Sequence[int]): As of :class:`EncoderNeck`.
        embed_dims (int): C of the encoded map and tokens.
        num_layers (int): Number of layers.
        layer (dict, optional): What each layer takes, see :func:`stack_layers`.
        init_cfg (dict, optional): Initialisation config.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        embed_dims: int,
        num_layers: int,
        *,
        layer: dict | None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(in_channels, embed_dims, init_cfg)
        self.frame_layers = stack_layers(EncoderLayer, num_layers, embed_dims, layer)

    def position(self, features: ClipFeatures) -> Tensor:
        """DETR's 2-D code, the same in every frame."""
        return level_position(features, -1, sine_position, self.embed_dims)

    def exchange(self, tokens: Tensor, layer: int) -> Tensor:
        """Exchange information between the frames of a clip.

        Args:
            tokens (Tensor): Shape (B, T, M, C).
            layer (int): Index of the layer that the tokens come from.

        Returns:
            Tensor: Shape (B, T, M, C).
        """
        raise NotImplementedError

    def start_tokens(self) -> tuple[Tensor, Tensor]:
        """Tokens that each frame starts with, and their position embedding.

        Returns:
            tuple[Tensor, Tensor]: Each of shape (M, C).
        """
        raise NotImplementedError

    def prepare_frames(self, features: ClipFeatures) -> ClipFeatures:
        """Run all that comes before the first exchange, unless that was done.

        Args:
            features (ClipFeatures): Levels with ``in_channels`` channels.

        Returns:
            ClipFeatures: With the coarsest map (B, T, C, H, W) and the tokens
            (B, T, M, C) after the first layer; the map is among the prepared.
        """
        if -1 in features.prepared:
            return features
        features = super().prepare_frames(features)
        cells, pos = self.embed_cells(features)
        start, _ = self.start_tokens()
        tokens = start.expand(*cells.shape[:2], -1, -1)
        cells, tokens = self._run_frame_layer(0, cells, tokens, pos, features)
        H, W = features.maps[-1].shape[-2:]
        encoded = cells.transpose(2, 3).unflatten(-1, (H, W))
        return features.with_prepared({-1: encoded}, tokens=tokens)

    def forward(self, features: ClipFeatures) -> ClipFeatures:
        """Encode the coarsest level of a batch of clips.

        Args:
            features (ClipFeatures): Levels with ``in_channels`` channels.

        Returns:
            ClipFeatures: The same with the last map encoded, shape
            (B, T, C, H, W), and the tokens of each frame (B, T, M, C).
        """
        features = self.prepare_frames(features)
        H, W = features.maps[-1].shape[-2:]
        cells = features.maps[-1].flatten(3).transpose(2, 3)  # (B, T, H*W, C)
        assert features.tokens is not None, 'prepare_frames makes them'
        tokens = self.exchange(features.tokens, 0)
        pos = self.position(features)
        for i in range(1, len(self.frame_layers)):
            cells, tokens = self._run_frame_layer(i, cells, tokens, pos, features)
            tokens = self.exchange(tokens, i)
        encoded = cells.transpose(2, 3).unflatten(-1, (H, W))
        return features.replace(
            maps=(*features.maps[:-1], encoded),
            prepared=features.prepared - {-1},
            tokens=tokens,
            token_pos=self.start_tokens()[1],
        )

    def _run_frame_layer(
        self,
        layer: int,
        cells: Tensor,
        tokens: Tensor,
        pos: Tensor,
        features: ClipFeatures,
    ) -> tuple[Tensor, Tensor]:
        """Let the cells (B, T, H*W, C) and tokens (B, T, M, C) of frames meet."""
        B, T, num_cells, _ = cells.shape
        M = tokens.shape[2]
        _, token_pos = self.start_tokens()
        pos = torch.cat([pos, token_pos.expand(B, T, -1, -1)], dim=2)
        padding = features.find_padding(-1)
        if padding is not None:
            padding = F.pad(padding.flatten(2), (0, M)).flatten(0, 1)  # (B*T, H*W+M)
        both = torch.cat([cells, tokens], dim=2).flatten(0, 1)  # (B*T, H*W+M, C)
        both = self.frame_layers[layer](both, pos.flatten(0, 1), padding)
        return both.unflatten(0, (B, T)).split([num_cells, M], dim=2)
