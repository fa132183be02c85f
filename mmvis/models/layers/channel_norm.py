"""Layer norm of maps."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ['ChannelNorm']


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each cell of a map.

    Args:
        num_channels (int): C.
    """

    def __init__(self, num_channels: int) -> None:
        super().__init__(num_channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise maps (B, C, H, W)."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
