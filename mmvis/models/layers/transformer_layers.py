"""Post-norm transformer layers with memory-efficient attention."""

from __future__ import annotations

import inspect

from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmvis.errors import UserTypeError, UserValueError
from mmvis.models.layers.attend import attend

__all__ = ['Attention', 'DecoderLayer', 'EncoderLayer', 'FeedForward', 'stack_layers']


def _with_pos(x: Tensor, pos: Tensor | None) -> Tensor:
    return x if pos is None else x + pos


class Attention(nn.MultiheadAttention):
    """Multi-head attention, residual and layer norm in one sub-layer.

    Positions go into queries and keys, never into values. Weights are not
    returned, and never held as a whole, see :func:`attend`; MMDetection's DETR
    layers always ask for them, which costs (queries x keys) memory.

    Args:
        embed_dims (int): C.
        num_heads (int): Number of heads.
        dropout (float): Dropout of the attention weights and of the residual.

    Raises:
        ValueError: If C is not a multiple of ``num_heads``.
    """

    def __init__(self, embed_dims: int, num_heads: int, dropout: float) -> None:
        if num_heads < 1 or embed_dims % num_heads:
            raise UserValueError(
                f'embed_dims={embed_dims} cannot be split among '
                f'layer.num_heads={num_heads}. Make it a multiple.'
            )
        super().__init__(embed_dims, num_heads, dropout=dropout, batch_first=True)
        self.residual_dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(embed_dims)
        self.linear = F.linear  # what projects queries, keys and values

    # PyTorch's layer is the base for the names of its weights, not for its interface.
    def forward(  # type: ignore[override]
        self,
        query: Tensor,
        key: Tensor | None = None,
        query_pos: Tensor | None = None,
        key_pos: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
    ) -> Tensor:
        """Update queries by attention to the keys.

        Args:
            query (Tensor): Shape (B, Nq, C).
            key (Tensor, optional): Shape (B, Nk, C), also the values. Defaults
                to the queries (self-attention, with ``query_pos`` for both).
            query_pos (Tensor, optional): Broadcastable to ``query``.
            key_pos (Tensor, optional): Broadcastable to ``key``.
            key_padding_mask (Tensor, optional): Shape (B, Nk), True where a key
                is padding.

        Returns:
            Tensor: Shape (B, Nq, C).
        """
        if key is None:
            key, key_pos = query, query_pos
        q, k, v = self._project(
            _with_pos(query, query_pos), _with_pos(key, key_pos), key
        )
        dropout = self.dropout if self.training else 0.0
        update = attend(q, k, v, key_padding_mask, dropout)
        update = self.out_proj(update.transpose(1, 2).flatten(2))  # (B, Nq, C)
        return self.norm(query + self.residual_dropout(update))

    def _project(self, *inputs: Tensor) -> list[Tensor]:
        """Queries, keys and values (B, N, C) to (B, heads, N, C/heads)."""
        weights, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
        return [
            self.linear(x, w, b).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for x, w, b in zip(inputs, weights, biases)
        ]


class FeedForward(BaseModule):
    """Two linear layers with ReLU between, residual and layer norm.

    Args:
        embed_dims (int): C.
        feedforward_channels (int): Width of the hidden layer.
        dropout (float): Dropout of the hidden layer and of the residual.
    """

    def __init__(
        self, embed_dims: int, feedforward_channels: int, dropout: float
    ) -> None:
        super().__init__()
        self.linear1 = nn.Linear(embed_dims, feedforward_channels)
        self.linear2 = nn.Linear(feedforward_channels, embed_dims)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(embed_dims)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block to tokens of shape (..., C)."""
        hidden = self.dropout(F.relu(self.linear1(x)))
        return self.norm(x + self.dropout(self.linear2(hidden)))


class EncoderLayer(BaseModule):
    """Self-attention and feed-forward, post-norm.

    Args:
        embed_dims (int): C. Defaults to 256.
        num_heads (int): Number of heads. Defaults to 8.
        feedforward_channels (int): Hidden width. Defaults to 2048.
        dropout (float): Defaults to 0.1.
    """

    def __init__(
        self,
        embed_dims: int = 256,
        num_heads: int = 8,
        feedforward_channels: int = 2048,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.self_attn = Attention(embed_dims, num_heads, dropout)
        self.ffn = FeedForward(embed_dims, feedforward_channels, dropout)

    def forward(
        self,
        tokens: Tensor,
        pos: Tensor | None = None,
        padding_mask: Tensor | None = None,
    ) -> Tensor:
        """Apply the layer to tokens of shape (B, N, C)."""
        tokens = self.self_attn(tokens, query_pos=pos, key_padding_mask=padding_mask)
        return self.ffn(tokens)


class DecoderLayer(BaseModule):
    """Self-attention of queries, cross-attention and feed-forward, post-norm.

    Args:
        embed_dims (int): C. Defaults to 256.
        num_heads (int): Number of heads. Defaults to 8.
        feedforward_channels (int): Hidden width. Defaults to 2048.
        dropout (float): Defaults to 0.1.
    """

    def __init__(
        self,
        embed_dims: int = 256,
        num_heads: int = 8,
        feedforward_channels: int = 2048,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.self_attn = Attention(embed_dims, num_heads, dropout)
        self.cross_attn = Attention(embed_dims, num_heads, dropout)
        self.ffn = FeedForward(embed_dims, feedforward_channels, dropout)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        query_pos: Tensor,
        key_pos: Tensor,
        key_padding_mask: Tensor | None = None,
    ) -> Tensor:
        """Update queries (B, Q, C) from keys (B, N, C)."""
        query = self.self_attn(query, query_pos=query_pos)
        query = self.cross_attn(query, key, query_pos, key_pos, key_padding_mask)
        return self.ffn(query)


def stack_layers(
    kind: type[nn.Module],
    num_layers: int,
    embed_dims: int,
    layer: dict | None,
) -> nn.ModuleList:
    """Build layers of one kind.

    Args:
        kind (type): :class:`EncoderLayer`, :class:`DecoderLayer` or :class:`ViTBlock`.
        num_layers (int): How many.
        embed_dims (int): C.
        layer (dict, optional): What else ``kind`` takes, e.g. ``num_heads``. None keeps
            its defaults.

    Raises:
        TypeError: If ``kind`` does not take an argument of ``layer``, or needs another.
        ValueError: If there would be no layer.
    """
    layer = layer or {}
    signature = inspect.signature(kind)
    try:
        signature.bind(embed_dims, **layer)
    except TypeError as error:
        raise UserTypeError(
            f'`layer` is {layer}: {error}. {kind.__name__} takes '
            f'{", ".join([*signature.parameters][1:])}.'
        ) from error
    if num_layers < 1:
        raise UserValueError(
            f'The number of layers must be at least 1, got {num_layers}.'
        )
    return nn.ModuleList(kind(embed_dims, **layer) for _ in range(num_layers))
