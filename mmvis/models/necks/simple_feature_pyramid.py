"""Feature pyramid from a single map."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvis.errors import UserValueError
from mmvis.models.layers import ChannelNorm
from mmvis.registry import MODELS
from mmvis.structures import ClipFeatures

__all__ = ['SimpleFeaturePyramid']


@MODELS.register_module()
class SimpleFeaturePyramid(BaseModule):
    """Make levels at strides 4, 8, 16 and 32 of a plain ViT's map at stride 16.

    ViTDet (Li et al., ECCV 2022), Sec. 3: transposed convolutions for the finer levels,
    pooling for the coarser one, all from the last map, then convolutions of 1x1 and 3x3
    with a layer norm over the channels each. Tokens, which have the channels of the
    map, end here.

    Args:
        in_channels (Sequence[int]): Channels of the one map.
        out_channels (int): Channels of the levels. Defaults to 256.

    Raises:
        ValueError: If there is more than one map.
    """

    #: It takes and returns :class:`ClipFeatures`, but no frame sees another.
    temporal = False

    def __init__(self, in_channels: Sequence[int], out_channels: int = 256) -> None:
        super().__init__()
        if len(in_channels) != 1:
            raise UserValueError(
                'SimpleFeaturePyramid makes levels of a single map, but in_channels='
                f'{list(in_channels)} names {len(in_channels)}. Put it after a plain '
                'ViT; a ChannelMapper or FPN is for backbones with levels.'
            )
        self.in_channels = list(in_channels)
        (C,) = in_channels
        fourfold = nn.Sequential(
            _double(C, C // 2), ChannelNorm(C // 2), nn.GELU(), _double(C // 2, C // 4)
        )
        self.levels = nn.ModuleList(
            nn.Sequential(
                scale,
                nn.Conv2d(channels, out_channels, 1, bias=False),
                ChannelNorm(out_channels),
                nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
                ChannelNorm(out_channels),
            )
            for scale, channels in (
                (fourfold, C // 4),
                (_double(C, C // 2), C // 2),
                (nn.Identity(), C),
                (nn.MaxPool2d(2, ceil_mode=True), C),
            )
        )

    def forward(self, features: ClipFeatures) -> ClipFeatures:
        """Turn one map (B, T, C, H, W) into levels 4, 2, 1 and 1/2 times as large."""
        x = features.maps[0]
        maps = [
            level(x.flatten(0, 1)).unflatten(0, x.shape[:2]) for level in self.levels
        ]
        stride, padding_mask = features.feat_strides[0], features.padding_masks[0]
        return features.replace(
            maps=tuple(maps),
            feat_strides=(stride // 4, stride // 2, stride, stride * 2),
            padding_masks=(
                _repeat(padding_mask, 4),
                _repeat(padding_mask, 2),
                padding_mask,
                padding_mask[..., ::2, ::2],
            ),
            tokens=None,
            token_pos=None,
        )


def _double(in_channels: int, out_channels: int) -> nn.Module:
    return nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2)


def _repeat(padding_mask: Tensor, times: int) -> Tensor:
    return padding_mask.repeat_interleave(times, -2).repeat_interleave(times, -1)
