"""Multi-layer perceptron."""

from __future__ import annotations

from itertools import pairwise

from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ['MLP']


class MLP(BaseModule):
    """Linear layers with ReLU between them, none after the last.

    Args:
        in_channels (int): Channels of the input.
        hidden_channels (int): Channels between the layers.
        out_channels (int): Channels of the output.
        num_layers (int): Number of linear layers.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        out_channels: int,
        num_layers: int,
    ) -> None:
        super().__init__()
        widths = [in_channels] + [hidden_channels] * (num_layers - 1) + [out_channels]
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., in_channels) to (..., out_channels)."""
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)
