"""IFC's encoder: frames speak to each other through memory tokens."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvis.models.layers import EncoderLayer, sine_position
from mmvis.registry import MODELS
from mmvis.structures import ClipFeatures

__all__ = ['MemoryTokenNeck']


@MODELS.register_module()
class MemoryTokenNeck(BaseModule):
    """Inter-frame communication transformer.

    IFC (Hwang et al., NeurIPS 2021), Sec. 3.1. Each layer has two halves: in the
    first, the tokens of one frame (its coarsest map and its M memory tokens)
    attend to each other; in the second, the memory tokens of all frames do,
    each index m for itself. Cost grows with T x (H*W + M)^2 + M x T^2 instead of
    (T*H*W)^2.

    Works after any backbone or neck; only the coarsest level is encoded, the
    finer ones pass unchanged.

    Args:
        in_channels (Sequence[int]): Channels of the incoming levels, finest
            first. The last one is projected to ``embed_dims``.
        embed_dims (int): C of the encoded map and tokens. Defaults to 256.
        num_memory_tokens (int): M, tokens per frame. Defaults to 8.
        num_layers (int): Number of layers (of two halves). Defaults to 3.
        num_heads (int): Attention heads. Defaults to 8.
        feedforward_channels (int): Hidden width of the feed-forward blocks.
            Defaults to 2048.
        dropout (float): Defaults to 0.1.
        pos_in_content (bool): Add the position code to the cells once, before the
            first layer, so that encoded features and what queries read from them
            tell where they are. The original has positions in attention only, and
            learns this in long training. Defaults to False.
        init_cfg (dict, optional): Initialisation config.
    """

    temporal = True

    def __init__(
        self,
        in_channels: Sequence[int],
        embed_dims: int = 256,
        num_memory_tokens: int = 8,
        num_layers: int = 3,
        num_heads: int = 8,
        feedforward_channels: int = 2048,
        dropout: float = 0.1,
        pos_in_content: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.in_channels = list(in_channels)
        self.embed_dims = embed_dims
        self.pos_in_content = pos_in_content
        self.input_proj = nn.Conv2d(self.in_channels[-1], embed_dims, 1)
        self.memory_tokens = nn.Parameter(torch.empty(num_memory_tokens, embed_dims))
        self.memory_pos = nn.Parameter(torch.empty(num_memory_tokens, embed_dims))

        def make_layers() -> nn.ModuleList:
            return nn.ModuleList(
                EncoderLayer(embed_dims, num_heads, feedforward_channels, dropout)
                for _ in range(num_layers)
            )

        self.frame_layers = make_layers()
        self.memory_layers = make_layers()
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial weights as the original does."""
        for layers in (self.frame_layers, self.memory_layers):
            for p in layers.parameters():
                if p.dim() > 1:
                    nn.init.xavier_uniform_(p)
        for p in (self.memory_tokens, self.memory_pos):
            nn.init.kaiming_normal_(p, mode='fan_out', nonlinearity='relu')

    def forward(self, features: ClipFeatures) -> ClipFeatures:
        """Encode the coarsest level of a batch of clips.

        Args:
            features (ClipFeatures): Levels with ``in_channels`` channels.

        Returns:
            ClipFeatures: The same with the last map encoded, shape
            (B, T, C, H, W), and the memory tokens (B, T, M, C).
        """
        x = features.maps[-1]
        B, T, _, H, W = x.shape
        cells = self.input_proj(x.flatten(0, 1)).flatten(2).transpose(1, 2)
        padding_mask = features.padding_masks[-1]
        pos = sine_position(padding_mask, self.embed_dims).flatten(0, 1)
        if self.pos_in_content:
            cells = cells + pos
        memory = self.memory_tokens.expand(B * T, -1, -1)
        M = memory.shape[1]
        memory_pos = self.memory_pos.expand(B * T, -1, -1)
        pos = torch.cat([pos, memory_pos], dim=1)  # (B*T, H*W+M, C)
        padding = _append_unpadded(padding_mask.flatten(0, 1).flatten(1), M)

        for frame_layer, memory_layer in zip(self.frame_layers, self.memory_layers):
            tokens = torch.cat([cells, memory], dim=1)  # (B*T, H*W+M, C)
            tokens = frame_layer(tokens, pos, padding)
            cells, memory = tokens.split([H * W, M], dim=1)
            memory = memory_layer(_group_by_index(memory, T))
            memory = _group_by_frame(memory, M)

        encoded = cells.transpose(1, 2).reshape(B, T, -1, H, W)
        return features.replace(
            maps=(*features.maps[:-1], encoded),
            tokens=memory.view(B, T, M, -1),
            token_pos=self.memory_pos,
        )


def _append_unpadded(padding: Tensor, num: int) -> Tensor | None:
    """Extend key padding (B*T, N) by ``num`` tokens; None if nothing is padded."""
    if not padding.any():
        return None
    return torch.cat([padding, padding.new_zeros(len(padding), num)], dim=1)


def _group_by_index(memory: Tensor, T: int) -> Tensor:
    """From (B*T, M, C) to (B*M, T, C)."""
    _, M, C = memory.shape
    return memory.view(-1, T, M, C).transpose(1, 2).reshape(-1, T, C)


def _group_by_frame(memory: Tensor, M: int) -> Tensor:
    """From (B*M, T, C) to (B*T, M, C)."""
    _, T, C = memory.shape
    return memory.view(-1, M, T, C).transpose(1, 2).reshape(-1, M, C)
