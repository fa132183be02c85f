"""Base class of necks whose frames exchange information through tokens."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mmvis.models.layers import EncoderLayer, sine_position, stack_layers
from mmvis.models.necks.encoder_neck import EncoderNeck
from mmvis.structures import ClipFeatures

__all__ = ['FrameTokenNeck']


class FrameTokenNeck(EncoderNeck):
    """Layers over the cells and tokens of each frame, with exchange between them.

    In each layer the cells of a frame's coarsest map and its M tokens attend to
    each other; then the tokens of all frames of a clip exchange information in
    :meth:`exchange`. The finer levels pass unchanged. A subclass owns the tokens,
    calls :meth:`encode` and defines the exchange.

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

    def position(self, padding_mask: Tensor) -> Tensor:
        """DETR's 2-D code, the same in every frame."""
        return sine_position(padding_mask, self.embed_dims)

    def exchange(self, tokens: Tensor, layer: int) -> Tensor:
        """Exchange information between the frames of a clip.

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
        B, T, _, H, W = features.maps[-1].shape
        M = len(tokens)
        cells, pos = (x.flatten(0, 1) for x in self.embed_cells(features))
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
