"""Pre-norm transformer block of vision transformers."""

from __future__ import annotations

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmvis.errors import UserValueError
from mmvis.models.layers.rotary_position import rotate_tokens

__all__ = ['ViTBlock']


class ViTBlock(BaseModule):
    """Self-attention and MLP, each with layer norm before and layer scale after it.

    The block of ViT (Dosovitskiy et al., ICLR 2021), Eq. 2 and 3, with the layer
    scale of CaiT (Touvron et al., ICCV 2021), Eq. 4, as in DINOv2 and DINOv3. Weights
    of attention are never held as a whole where PyTorch has a kernel for it.

    Args:
        embed_dims (int): C.
        num_heads (int): Attention heads.
        mlp_ratio (float): Hidden width of the MLP, in multiples of C. Defaults to 4.
        layer_scale (float): What the layer scales start with. Defaults to 1e-5.
        key_bias (bool): Whether keys have a bias, as in DINOv2; those of DINOv3 have
            none. Defaults to True.

    Raises:
        ValueError: If C is not a multiple of ``num_heads``.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        mlp_ratio: float = 4.0,
        layer_scale: float = 1e-5,
        key_bias: bool = True,
    ) -> None:
        super().__init__()
        if embed_dims % num_heads:
            raise UserValueError(
                f'embed_dims={embed_dims} cannot be split among '
                f'layer.num_heads={num_heads}. Make it a multiple.'
            )
        self.norm1 = nn.LayerNorm(embed_dims, eps=1e-6)
        self.attn = _SelfAttention(embed_dims, num_heads, key_bias)
        self.ls1 = _LayerScale(embed_dims, layer_scale)
        self.norm2 = nn.LayerNorm(embed_dims, eps=1e-6)
        self.mlp = _FeedForward(embed_dims, int(embed_dims * mlp_ratio))
        self.ls2 = _LayerScale(embed_dims, layer_scale)
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=0.02)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)

    def forward(
        self,
        tokens: Tensor,
        attn_mask: Tensor | None = None,
        rotation: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Apply the block to tokens.

        Args:
            tokens (Tensor): Shape (B, N, C).
            attn_mask (Tensor, optional): Shape (B, 1, N, N), True where the token of
                the row attends to the one of the column. Defaults to everywhere.
            rotation (tuple[Tensor, Tensor], optional): Cosines and sines by which the
                last tokens, the patches, are turned, see :func:`rotary_position`.

        Returns:
            Tensor: Shape (B, N, C).
        """
        tokens = tokens + self.ls1(self.attn(self.norm1(tokens), attn_mask, rotation))
        return tokens + self.ls2(self.mlp(self.norm2(tokens)))


class _SelfAttention(BaseModule):
    def __init__(self, embed_dims: int, num_heads: int, key_bias: bool) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.has_key_bias = key_bias
        # What the fast mode replaces.
        self.linear = F.linear
        self.attend = F.scaled_dot_product_attention
        self.qkv = nn.Linear(embed_dims, 3 * embed_dims, bias=key_bias)
        if not key_bias:
            self.q_bias = nn.Parameter(self.qkv.weight.new_zeros(embed_dims))
            self.v_bias = nn.Parameter(self.qkv.weight.new_zeros(embed_dims))
        self.proj = nn.Linear(embed_dims, embed_dims)

    def forward(
        self,
        x: Tensor,
        attn_mask: Tensor | None,
        rotation: tuple[Tensor, Tensor] | None,
    ) -> Tensor:
        qkv = self.linear(x, self.qkv.weight, self._bias())
        qkv = qkv.unflatten(-1, (3, self.num_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, heads, N, C/heads)
        if rotation is not None:
            q, k = rotate_tokens(q, *rotation), rotate_tokens(k, *rotation)
        x = self.attend(q, k, v, attn_mask)
        return self.proj(x.transpose(1, 2).flatten(2))  # (B, N, C)

    def _bias(self) -> Tensor:
        if self.has_key_bias:
            return self.qkv.bias
        none = self.q_bias.new_zeros(self.q_bias.shape)
        return torch.cat([self.q_bias, none, self.v_bias])


class _FeedForward(BaseModule):
    def __init__(self, embed_dims: int, hidden_channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(embed_dims, hidden_channels)
        self.fc2 = nn.Linear(hidden_channels, embed_dims)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class _LayerScale(BaseModule):
    def __init__(self, embed_dims: int, start: float) -> None:
        super().__init__()
        self.gamma = nn.Parameter(start * torch.ones(embed_dims))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma
