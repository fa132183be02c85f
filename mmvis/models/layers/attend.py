"""Memory-efficient attention."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from mmvis import memory_limits

__all__ = ['attend']


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """Compute scaled dot-product attention in little memory.

    PyTorch's kernels need memory in proportion to queries plus keys, also with a
    padding mask, on GPUs and CPUs; except that on the CPU there is none with
    dropout. There, some queries at a time attend to all keys, and the backward
    pass computes their weights again.

    Args:
        query (Tensor): Shape (B, heads, Nq, c).
        key (Tensor): Shape (B, heads, Nk, c).
        value (Tensor): Shape (B, heads, Nk, c).
        key_padding_mask (Tensor, optional): Shape (B, Nk), True where a key is
            padding.
        dropout (float): Share of the weights that are dropped. Defaults to 0.

    Returns:
        Tensor: Shape (B, heads, Nq, c).
    """
    is_key = None if key_padding_mask is None else ~key_padding_mask[:, None, None]
    has_kernel = dropout == 0 or query.device.type != 'cpu'
    weights_of_one = query.shape[0] * query.shape[1] * key.shape[2]
    queries_at_once = max(1, memory_limits.ATTENTION_WEIGHTS_AT_ONCE // weights_of_one)
    if has_kernel or query.shape[2] <= queries_at_once:
        return _attend(query, key, value, is_key, dropout)
    parts = query.split(queries_at_once, dim=2)
    if not torch.is_grad_enabled():
        return torch.cat([_attend(q, key, value, is_key, dropout) for q in parts], 2)
    mixed = [
        checkpoint(_attend, q, key, value, is_key, dropout, use_reentrant=False)
        for q in parts
    ]
    return torch.cat(mixed, dim=2)


def _attend(
    query: Tensor, key: Tensor, value: Tensor, is_key: Tensor | None, dropout: float
) -> Tensor:
    return F.scaled_dot_product_attention(query, key, value, is_key, dropout)
