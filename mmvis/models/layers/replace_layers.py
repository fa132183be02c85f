"""Replacement of layers of a network."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

__all__ = ['replace_layers']


def replace_layers(
    network: nn.Module, make: Callable[[nn.Module], nn.Module | None]
) -> None:
    """Replace layers of a network, which is changed.

    Args:
        network (Module): The network.
        make (Callable): Gives what takes the place of a layer; None keeps it, and looks
            at the layers in it.
    """
    for name, child in network.named_children():
        replacement = make(child)
        if replacement is None:
            replace_layers(child, make)
        else:
            setattr(network, name, replacement.train(child.training))
