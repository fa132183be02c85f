"""Counts of multiply-adds, which do not depend on the machine."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

__all__ = ['count_multiply_adds']


# Without gradients the counter cannot tell the parts, and oneDNN has operators that it
# does not know.
@torch.enable_grad()
def count_multiply_adds(model: nn.Module, *inputs: Any) -> dict[str, int]:
    """Count the multiply-adds of matrix products, convolutions and attention.

    Operators of the fast mode are not known, and not counted.

    Args:
        model (Module): What is called.
        *inputs (Any): What it is called with.

    Returns:
        dict[str, int]: Their number in all, by the name '', and in each of the model's
        children. A multiplication and an addition are one.

    Example:
        >>> model = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 1))
        >>> count_multiply_adds(model, torch.ones(2, 3))
        {'': 40, '0': 30, '1': 10}
    """
    # PyTorch's kernel for CPUs, which its counter leaves out.
    attention = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    counter = FlopCounterMode(
        display=False, depth=2, custom_mapping={attention: _count_attention}
    )
    with counter:
        model(*inputs)
    # The counter counts both apart.
    counts = {key: sum(n.values()) // 2 for key, n in counter.get_flop_counts().items()}
    parts = {
        name: _count_part(counts, model, name) for name, _ in model.named_children()
    }
    return {'': counts['Global'], **parts}


def _count_part(counts: dict[str, int], model: nn.Module, name: str) -> int:
    """That of a child; a list of modules is never called itself."""
    key = f'{type(model).__name__}.{name}'
    if key in counts:
        return counts[key]
    return sum(
        counts.get(f'{key}.{inner}', 0)
        for inner, _ in model.get_submodule(name).named_children()
    )


def _count_attention(
    q_shape: tuple[int, ...], k_shape: tuple[int, ...], *_: Any, **__: Any
) -> int:
    B, num_heads, num_queries, C = q_shape
    return 2 * 2 * B * num_heads * num_queries * k_shape[-2] * C
