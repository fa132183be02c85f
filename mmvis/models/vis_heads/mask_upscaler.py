"""EoMT's upscaling of patch features."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmvis.models.layers import ChannelNorm

__all__ = ['MaskUpscaler']


class MaskUpscaler(BaseModule):
    """Double the resolution of a map, several times.

    EoMT (Kerssies et al., CVPR 2025), Sec. 3.1: each time a transposed convolution of
    2x2, GELU, a depthwise convolution of 3x3 and a layer norm over the channels.

    Args:
        embed_dims (int): C.
        num_steps (int): How often.
    """

    def __init__(self, embed_dims: int, num_steps: int) -> None:
        super().__init__()
        self.steps = nn.ModuleList(_Doubling(embed_dims) for _ in range(num_steps))

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, C, H, W) into (B, C, H*2^steps, W*2^steps)."""
        for step in self.steps:
            x = step(x)
        return x


class _Doubling(BaseModule):
    def __init__(self, embed_dims: int) -> None:
        super().__init__()
        self.conv1 = nn.ConvTranspose2d(embed_dims, embed_dims, 2, stride=2)
        self.conv2 = nn.Conv2d(
            embed_dims, embed_dims, 3, padding=1, groups=embed_dims, bias=False
        )
        self.norm = ChannelNorm(embed_dims)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv2(F.gelu(self.conv1(x))))  # (B, C, 2H, 2W)
