"""VisTR's mask features of one instance in one frame."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mmcv.ops import DeformConv2d
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmvis.errors import UserValueError
from mmvis.models.layers import run_recomputed
from mmvis.ops import deform_conv2d

__all__ = ['DeformableMaskHead']


class _DeformConv(DeformConv2d):
    """MMCV's layer, with compiled code or without, also in half precision.

    Without, MMCV's own way to the operator would compute the forward pass three times.
    """

    def forward(self, x: Tensor, offset: Tensor) -> Tensor:
        return deform_conv2d(x, offset, self.weight, self.stride, self.padding)


class DeformableMaskHead(BaseModule):
    """Top-down fusion for each instance, with a deformable convolution at its end.

    VisTR (Wang et al., CVPR 2021), Sec. 3.3, after DETR's mask head. The encoded map
    of a frame and an instance's box attention are fused with ever finer levels of
    the backbone, C/2, C/4, ... channels.

    The first convolution works on the encoded map, which all instances of a frame
    share, once instead of once for each instance; with ten instances this saves a
    third of the operations of the mask branch.

    Args:
        embed_dims (int): C of the encoded map; with L lateral levels a multiple of
            2^(L+1) times ``num_groups``.
        num_attention_maps (int): M, box attention maps of an instance.
        lateral_channels (Sequence[int]): Channels of the L finer levels, finest
            first.
        num_groups (int): Groups of the group norms. Defaults to 8.

    Raises:
        ValueError: If the groups do not divide the channels.
    """

    def __init__(
        self,
        embed_dims: int,
        num_attention_maps: int,
        lateral_channels: Sequence[int],
        num_groups: int = 8,
    ) -> None:
        super().__init__()
        num_laterals = len(lateral_channels)
        first = embed_dims + num_attention_maps
        widths = [embed_dims // 2**i for i in range(1, num_laterals + 2)]
        if any(c % num_groups for c in (first, *widths)):
            raise UserValueError(
                f'With embed_dims={embed_dims}, {num_attention_maps} attention maps '
                f'and {num_laterals} finer levels the mask head has {[first, *widths]} '
                f'channels, which num_groups={num_groups} does not divide. Change '
                'head.num_groups or head.embed_dims.'
            )
        self.embed_dims = embed_dims
        self.out_channels = widths[-1]
        self.convs = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1)
            for i, o in pairwise([first, first, *widths[:-1]])
        )
        # From the coarsest level, as they are used.
        self.lateral_convs = nn.ModuleList(
            nn.Conv2d(i, o, 1) for i, o in zip(reversed(lateral_channels), widths)
        )
        self.conv_offset = nn.Conv2d(widths[-2], 2 * 9, 1)
        self.dcn = _DeformConv(widths[-2], widths[-1], 3, padding=1)
        self.norms = nn.ModuleList(
            nn.GroupNorm(num_groups, c) for c in (first, *widths)
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial weights as the original does: no deformation at first."""
        for conv in (*self.convs, *self.lateral_convs):
            nn.init.kaiming_uniform_(conv.weight, a=1)
            nn.init.zeros_(conv.bias)
        for parameter in self.conv_offset.parameters():
            nn.init.zeros_(parameter)
        nn.init.kaiming_uniform_(self.dcn.weight, nonlinearity='relu')

    def forward(
        self,
        encoded: Tensor,
        attention: Tensor,
        laterals: Sequence[Tensor],
        are_projected: bool = False,
    ) -> Tensor:
        """Compute the features of N instances in each of F frames.

        Args:
            encoded (Tensor): Encoded maps, shape (F, C, H, W).
            attention (Tensor): Box attention, shape (F, N, M, H, W).
            laterals (Sequence[Tensor]): Finer maps, finest first, each
                (F, C_l, H_l, W_l).
            are_projected (bool): Whether they passed ``lateral_convs``. Defaults to
                False.

        Returns:
            Tensor: Shape (F, N, C/2^(L+1), H_0, W_0), at the finest level.
        """
        num_frames, N = attention.shape[:2]
        x = self._first_conv(encoded, attention)  # (F*N, C+M, H, W)
        x = F.relu(self.norms[0](x))
        x = F.relu(self.norms[1](self.convs[1](x)))
        # The maps of finer levels are large, and quickly computed again.
        for level, lateral_conv in enumerate(self.lateral_convs, 1):
            lateral = laterals[-level]
            if not are_projected:
                lateral = lateral_conv(lateral)
            x = run_recomputed(self._fuse_level, level, x, lateral, N)
        return x.unflatten(0, (num_frames, N))

    def _fuse_level(
        self, level: int, x: Tensor, lateral: Tensor, num_instances: int
    ) -> Tensor:
        """Add a level (F, C, H, W) to maps (F*N, C, h, w), and convolve their sum."""
        x = F.interpolate(x, size=lateral.shape[-2:]).unflatten(0, (-1, num_instances))
        x = (x + lateral[:, None]).flatten(0, 1)
        if level < len(self.lateral_convs):
            x = self.convs[level + 1](x)
        else:
            x = self.dcn(x, self.conv_offset(x))
        return F.relu(self.norms[level + 1](x))

    def _first_conv(self, encoded: Tensor, attention: Tensor) -> Tensor:
        """Convolve the concatenation of both, the shared part once for a frame."""
        weight, bias = self.convs[0].parameters()
        shared, own = weight.split([self.embed_dims, attention.shape[2]], dim=1)
        x = F.conv2d(encoded, shared, bias, padding=1)
        of_instances = F.conv2d(attention.flatten(0, 1), own, padding=1)
        x = x[:, None] + of_instances.unflatten(0, attention.shape[:2])
        return x.flatten(0, 1)
