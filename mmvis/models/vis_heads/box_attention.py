"""Attention maps of instance queries."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn

__all__ = ['BoxAttention']


class BoxAttention(BaseModule):
    """Attention weights between the queries and the cells of one frame.

    The attention maps of DETR's mask branch (Carion et al., ECCV 2020, Sec. 4.4),
    which VisTR (Wang et al., CVPR 2021, Sec. 3.3) computes frame by frame. Nothing
    is summed with the weights, they are the output. As in both published codes the
    weights of all heads and cells together sum to 1.

    Args:
        embed_dims (int): C.
        num_heads (int): M, number of maps for each query.
    """

    def __init__(self, embed_dims: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.scale = (embed_dims / num_heads) ** -0.5
        self.q_linear = nn.Linear(embed_dims, embed_dims)
        self.k_linear = nn.Linear(embed_dims, embed_dims)
        for linear in (self.q_linear, self.k_linear):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, query: Tensor, encoded: Tensor, padding_mask: Tensor) -> Tensor:
        """Compare queries with the cells of their frames.

        Args:
            query (Tensor): Shape (F, N, C) for F frames.
            encoded (Tensor): Encoded maps, shape (F, C, H, W).
            padding_mask (Tensor): Shape (F, H, W), True where a cell is padding.

        Returns:
            Tensor: Attention weights, shape (F, N, M, H, W).
        """
        F, N, _ = query.shape
        H, W = encoded.shape[-2:]
        q = self.q_linear(query) * self.scale
        q = q.view(F, N, self.num_heads, -1).transpose(1, 2)  # (F, M, N, C/M)
        k = self.k_linear(encoded.flatten(2).transpose(1, 2))  # (F, H*W, C)
        k = k.view(F, H * W, self.num_heads, -1).permute(0, 2, 3, 1)
        logits = (q @ k).transpose(1, 2)  # (F, N, M, H*W)
        padding = padding_mask.flatten(1)[:, None, None]
        logits = logits.masked_fill(padding, float('-inf'))
        weights = logits.flatten(2).softmax(-1)
        return weights.view(F, N, self.num_heads, H, W)
