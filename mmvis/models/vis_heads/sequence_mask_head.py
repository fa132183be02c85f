"""VisTR's 3-D convolutions over the frames of an instance."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn

__all__ = ['SequenceMaskHead']


class SequenceMaskHead(BaseModule):
    """3-D convolutions over the frames of one instance.

    VisTR (Wang et al., CVPR 2021), Sec. 3.3: three convolutions of kernel 3 and
    dilation 2 (in t, y and x) exchange information between the frames of a sequence.

    Args:
        in_channels (int): Channels of the features of one frame.
        num_groups (int): Groups of the group norms. Defaults to 4.
    """

    def __init__(self, in_channels: int, num_groups: int = 4) -> None:
        super().__init__()
        channels = in_channels // 2
        layers: list[nn.Module] = []
        for i in range(3):
            layers += [
                nn.Conv3d(
                    in_channels if i == 0 else channels,
                    channels,
                    kernel_size=3,
                    padding=2,
                    dilation=2,
                ),
                nn.GroupNorm(num_groups, channels),
                nn.ReLU(inplace=True),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv3d(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map features (n, C, T, H, W) of n instances to logits (n, T, H, W)."""
        return self.layers(x).squeeze(1)
