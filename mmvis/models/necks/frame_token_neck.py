"""What the necks share whose frames speak to each other through tokens."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmvis.models.layers import EncoderLayer, sine_position
from mmvis.structures import ClipFeatures

__all__ = ['FrameTokenNeck']


class FrameTokenNeck(BaseModule):
    """Layers over the cells and tokens of each frame, with exchange between them.

    In each layer the cells of a frame's coarsest map and its M tokens attend to
    each other; then :meth:`exchange` lets the tokens of a clip's frames meet. The
    finer levels pass unchanged. A subclass owns the tokens, calls :meth:`encode`
    and says what the exchange is.

    Args:
        in_channels (Sequence[int]): Channels of the incoming levels, finest
            first. The last one is projected to ``embed_dims``.
        embed_dims (int): C of the encoded map and tokens.
        num_layers (int): Number of layers.
        num_heads (int): Attention heads.
        feedforward_channels (int): Hidden width of the feed-forward blocks.
        dropout (float): Of attention and feed-forward blocks.
        pos_in_content (bool): Add the position code to the cells once, before the
            first layer, beside giving it to each attention.
        pos_temperature (float): Of the position code, see :func:`sine_position`.
        init_cfg (dict, optional): Initialisation config.
    """

    temporal = True

    def __init__(
        self,
        in_channels: Sequence[int],
        embed_dims: int,
        num_layers: int,
        num_heads: int,
        feedforward_channels: int,
        dropout: float,
        pos_in_content: bool,
        pos_temperature: float,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.in_channels = list(in_channels)
        self.embed_dims = embed_dims
        self.pos_in_content = pos_in_content
        self.pos_temperature = pos_temperature
        self.input_proj = nn.Conv2d(self.in_channels[-1], embed_dims, 1)
        self.frame_layers = nn.ModuleList(
            EncoderLayer(embed_dims, num_heads, feedforward_channels, dropout)
            for _ in range(num_layers)
        )

    def exchange(self, tokens: Tensor, layer: int) -> Tensor:
        """Carry news between the frames of a clip.

        Args:
            tokens (Tensor): Shape (B, T, M, C).
            layer (int): Index of the layer that the tokens come from.

        Returns:
            Tensor: Shape (B, T, M, C).
        """
        raise NotImplementedError

    def encode(
        self, features: ClipFeatures, tokens: Tensor, token_pos: Tensor
    ) -> ClipFeatures:
        """Encode the coarsest level of a batch of clips.

        Args:
            features (ClipFeatures): Levels with ``in_channels`` channels.
            tokens (Tensor): Those that each frame starts with, shape (M, C).
            token_pos (Tensor): Their position embedding, shape (M, C).

        Returns:
            ClipFeatures: The same with the last map encoded, shape
            (B, T, C, H, W), and the tokens of each frame (B, T, M, C).
        """
        x = features.maps[-1]
        B, T, _, H, W = x.shape
        M = len(tokens)
        cells = self.input_proj(x.flatten(0, 1)).flatten(2).transpose(1, 2)
        pos = sine_position(
            features.padding_masks[-1], self.embed_dims, self.pos_temperature
        ).flatten(0, 1)
        if self.pos_in_content:
            cells = cells + pos
        tokens = tokens.expand(B * T, -1, -1)
        fixed_pos = token_pos.expand(B * T, -1, -1)
        pos = torch.cat([pos, fixed_pos], dim=1)  # (B*T, H*W+M, C)
        padding = features.find_padding(-1)
        if padding is not None:
            padding = F.pad(padding.flatten(0, 1).flatten(1), (0, M))  # (B*T, H*W+M)

        for i, layer in enumerate(self.frame_layers):
            both = layer(torch.cat([cells, tokens], dim=1), pos, padding)
            cells, tokens = both.split([H * W, M], dim=1)
            tokens = self.exchange(tokens.unflatten(0, (B, T)), i).flatten(0, 1)

        return features.replace(
            maps=(*features.maps[:-1], cells.transpose(1, 2).reshape(B, T, -1, H, W)),
            tokens=tokens.unflatten(0, (B, T)),
            token_pos=token_pos,
        )
