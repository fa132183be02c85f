"""Activation checkpointing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

__all__ = ['run_recomputed']


def run_recomputed(function: Callable, *args: Any, with_cp: bool = True) -> Any:
    """Call a function, keeping only its inputs for the backward pass.

    What the backward pass needs of the inside is computed again then, with the same
    random numbers. The result and its gradients do not change.

    Args:
        function (Callable): A module or function.
        *args (Any): Its arguments.
        with_cp (bool): Whether to do so; False calls the function as usual, as does
            a call without gradients. Defaults to True.
    """
    if with_cp and torch.is_grad_enabled():
        return checkpoint(function, *args, use_reentrant=False)
    return function(*args)
