"""Fusion of backbone levels into mask features."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ['MaskFeatureFusion']


class MaskFeatureFusion(BaseModule):
    """Top-down fusion of the encoded map with the finer backbone levels.

    IFC (Hwang et al., NeurIPS 2021), Sec. 3.2, spatial decoder. As in the
    published code there is no activation between the levels, only after the
    finest; the result is non-negative.

    Args:
        in_channels (Sequence[int]): Channels of the levels, finest first; the
            last is the encoded map with ``embed_dims``.
        embed_dims (int): C. Defaults to 256.
        num_groups (int): Groups of the group norms. Defaults to 32.
    """

    def __init__(
        self, in_channels: Sequence[int], embed_dims: int = 256, num_groups: int = 32
    ) -> None:
        super().__init__()
        self.lateral_convs = nn.ModuleList(
            nn.Conv2d(c, embed_dims, 1) for c in in_channels[:-1]
        )
        self.fusion_convs = nn.ModuleList(
            nn.Conv2d(embed_dims, embed_dims, 3, padding=1) for _ in in_channels
        )
        self.norms = nn.ModuleList(
            nn.GroupNorm(num_groups, embed_dims) for _ in in_channels
        )
        self.depthwise_conv = nn.Conv2d(
            embed_dims, embed_dims, 5, padding=2, groups=embed_dims
        )
        self.pointwise_conv = nn.Conv2d(embed_dims, embed_dims, 1)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_uniform_(m.weight, a=1)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)

    def forward(self, maps: Sequence[Tensor], are_projected: bool = False) -> Tensor:
        """Fuse the levels.

        Args:
            maps (Sequence[Tensor]): Finest first, each (B*T, C_l, H_l, W_l).
            are_projected (bool): Whether the finer ones passed ``lateral_convs``.
                Defaults to False.

        Returns:
            Tensor: Shape (B*T, C, H_0, W_0).
        """
        if not are_projected:
            laterals = [conv(m) for conv, m in zip(self.lateral_convs, maps)]
            maps = [*laterals, maps[-1]]
        x = maps[-1]
        for level in reversed(range(len(maps))):
            if level < len(maps) - 1:
                lateral = maps[level]
                x = lateral + F.interpolate(x, size=lateral.shape[-2:])
            x = self.norms[level](self.fusion_convs[level](x))
        x = F.relu(self.depthwise_conv(F.relu(x)))
        return F.relu(self.pointwise_conv(x))
