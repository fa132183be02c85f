"""Attention that oneDNN computes on CPUs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mmvis.models.layers.fast_linear import fast_linear, is_fast

__all__ = ['fast_attention']

#: Queries of a head whose weights a CPU keeps in its cache until they are used.
_QUERIES_AT_ONCE = 256


def fast_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None
) -> Tensor:
    """Compute scaled dot-product attention, on a CPU where it can with oneDNN.

    See :func:`fast_linear`; with a mask, and wherever that leaves a product to PyTorch,
    this is ``F.scaled_dot_product_attention``. Some queries of a head at a time attend
    to all keys.

    Args:
        query (Tensor): Shape (B, heads, N, c).
        key (Tensor): Shape (B, heads, N, c).
        value (Tensor): Shape (B, heads, N, c).
        attn_mask (Tensor, optional): As of PyTorch's function.

    Returns:
        Tensor: Shape (B, heads, N, c).
    """
    if attn_mask is not None or not is_fast(query, value):
        return F.scaled_dot_product_attention(query, key, value, attn_mask)
    B, heads, N, c = query.shape
    # The heads of a token lie beside each other, as the next layer reads them.
    mixed = query.new_empty(B, N, heads, c).transpose(1, 2)
    query, key = query * c**-0.5, key.contiguous()
    columns = value.transpose(2, 3).contiguous()  # (B, heads, c, N)
    for b in range(B):
        for head in range(heads):
            for begin in range(0, N, _QUERIES_AT_ONCE):
                part = slice(begin, begin + _QUERIES_AT_ONCE)
                logits = fast_linear(query[b, head, part], key[b, head])
                weights = torch.softmax(logits, dim=-1)
                mixed[b, head, part] = fast_linear(weights, columns[b, head])
    return mixed
