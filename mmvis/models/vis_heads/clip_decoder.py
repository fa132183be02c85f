"""Decoder over all frames of a clip."""

from __future__ import annotations

from collections.abc import Callable

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmvis.models.layers import (
    DecoderLayer,
    level_position,
    run_recomputed,
    sine_position,
    sine_position_3d,
    stack_layers,
)
from mmvis.registry import MODELS
from mmvis.structures import ClipFeatures

__all__ = ['ClipDecoder']


@MODELS.register_module()
class ClipDecoder(BaseModule):
    """Decode Q objects of a clip from its encoded map and tokens.

    IFC (Hwang et al., NeurIPS 2021), Sec. 3.2: one set of queries is shared by
    the frames of a clip. VisTR (Wang et al., CVPR 2021), Sec. 3.2: a query for
    each instance in each frame, all attending to all frames. Query content starts at
    zero, ``query_embed`` is its position.

    Args:
        num_queries (int): Q.
        embed_dims (int): C. Defaults to 256.
        num_layers (int): L. Defaults to 3.
        layer (dict, optional): What each layer takes, see :func:`stack_layers`.
        temporal_position (bool): Encode also the time of keys, with the 3-D position
            code. Defaults to False.
        with_cp (bool): Recompute activations in the backward pass to save memory.
            Defaults to False.
    """

    def __init__(
        self,
        num_queries: int,
        *,
        embed_dims: int = 256,
        num_layers: int = 3,
        layer: dict | None = None,
        temporal_position: bool = False,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        self.position = sine_position_3d if temporal_position else sine_position
        self.position_args: tuple[float, ...] = (embed_dims,)
        self.with_cp = with_cp
        self.query_embed = nn.Embedding(num_queries, embed_dims)
        self.layers = stack_layers(DecoderLayer, num_layers, embed_dims, layer)
        self.norm = nn.LayerNorm(embed_dims)
        for p in self.layers.parameters():
            if p.dim() > 1:
                nn.init.xavier_uniform_(p)

    def forward(self, features: ClipFeatures) -> Tensor:
        """Decode the coarsest level and, where there are any, the tokens.

        Tokens are read if they have a position; a backbone's own do not.

        Args:
            features (ClipFeatures): Last map of shape (B, T, C, H, W).

        Returns:
            Tensor: Query features after each layer, shape (L, B, Q, C).
        """
        key, key_pos, padding = clip_keys(features, self.position, *self.position_args)
        query_pos = self.query_embed.weight.expand(len(key), -1, -1)
        query = key.new_zeros(query_pos.shape)
        outputs = []
        for layer in self.layers:
            query = run_recomputed(
                layer, query, key, query_pos, key_pos, padding, with_cp=self.with_cp
            )
            outputs.append(self.norm(query))
        return torch.stack(outputs)


def clip_keys(
    features: ClipFeatures, position: Callable[..., Tensor], *args: float
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Flatten the coarsest map and the tokens of a clip into one sequence.

    Args:
        features (ClipFeatures): Last map of shape (B, T, C, H, W).
        position (Callable): Encodes the cells, see :func:`level_position`.
        *args: What it takes besides the padding mask.

    Returns:
        tuple[Tensor, Tensor, Tensor | None]:

        - keys (B, T*H*W [+ T*M], C), frame by frame, the tokens behind the cells.
        - their positions, same shape.
        - padding mask (B, T*H*W [+ T*M]), or None if nothing is padded.
    """
    x = features.maps[-1]
    B, T, C, _, _ = x.shape
    key = x.flatten(3).transpose(2, 3).reshape(B, -1, C)
    key_pos = level_position(features, -1, position, *args).flatten(1, 2)
    padding = features.find_padding(-1)
    padding = None if padding is None else padding.flatten(1)  # (B, T*H*W)
    if features.tokens is not None and features.token_pos is not None:
        M = features.tokens.shape[2]
        token_pos = features.token_pos.repeat(T, 1).expand(B, -1, -1)
        key = torch.cat([key, features.tokens.flatten(1, 2)], dim=1)
        key_pos = torch.cat([key_pos, token_pos], dim=1)
        padding = None if padding is None else F.pad(padding, (0, T * M))
    return key, key_pos, padding
