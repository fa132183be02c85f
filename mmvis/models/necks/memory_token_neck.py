"""IFC's encoder: frames exchange information through memory tokens."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmvis.models.layers import EncoderLayer, stack_layers
from mmvis.models.necks.frame_token_neck import FrameTokenNeck
from mmvis.registry import MODELS

__all__ = ['MemoryTokenNeck']


@MODELS.register_module()
class MemoryTokenNeck(FrameTokenNeck):
    """Inter-frame communication transformer.

    IFC (Hwang et al., NeurIPS 2021), Sec. 3.1. Each layer has two halves: in the
    first, the tokens of one frame (its coarsest map and its M memory tokens)
    attend to each other; in the second, the memory tokens of all frames do,
    each index m for itself. Cost grows with T x (H*W + M)^2 + M x T^2 instead of
    (T*H*W)^2.

    Args:
        in_channels (Sequence[int]): Channels of the incoming levels, finest
            first. The last one is projected to ``embed_dims``.
        embed_dims (int): C of the encoded map and tokens. Defaults to 256.
        num_memory_tokens (int): M, tokens per frame. Defaults to 8.
        num_layers (int): Number of layers (of two halves). Defaults to 3.
        layer (dict, optional): What each layer takes, see :func:`stack_layers`.
        init_cfg (dict, optional): Initialisation config.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        *,
        embed_dims: int = 256,
        num_memory_tokens: int = 8,
        num_layers: int = 3,
        layer: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            in_channels, embed_dims, num_layers, layer=layer, init_cfg=init_cfg
        )
        self.memory_tokens = nn.Parameter(torch.empty(num_memory_tokens, embed_dims))
        self.memory_pos = nn.Parameter(torch.empty(num_memory_tokens, embed_dims))
        self.memory_layers = stack_layers(EncoderLayer, num_layers, embed_dims, layer)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the weights as the original does."""
        for layers in (self.frame_layers, self.memory_layers):
            for p in layers.parameters():
                if p.dim() > 1:
                    nn.init.xavier_uniform_(p)
        for p in (self.memory_tokens, self.memory_pos):
            nn.init.kaiming_normal_(p, mode='fan_out', nonlinearity='relu')

    def start_tokens(self) -> tuple[Tensor, Tensor]:
        """Memory tokens and their position embedding, each (M, C)."""
        return self.memory_tokens, self.memory_pos

    def exchange(self, tokens: Tensor, layer: int) -> Tensor:
        """Apply self-attention to the memory tokens of equal index."""
        B, _, M, _ = tokens.shape
        by_index = tokens.transpose(1, 2).flatten(0, 1)  # (B*M, T, C)
        by_index = self.memory_layers[layer](by_index)
        return by_index.unflatten(0, (B, M)).transpose(1, 2)  # (B, T, M, C)
