"""Convolution of single cells."""

from __future__ import annotations

from functools import cache

import torch
from mmcv.cnn.bricks.wrappers import Conv2d
from torch import Tensor, nn
from torch.nn import functional as F

from mmvis.models.layers.replace_layers import replace_layers
from mmvis.processor import describe_processor

__all__ = ['PointwiseConv2d']


class PointwiseConv2d(nn.Conv2d):
    """A 1x1 convolution that oneDNN computes on AMD's CPUs, on one thread, too.

    With one thread PyTorch leaves 1x1 convolutions to a matrix product of MKL for each
    image, unless they have a stride or are dilated. On AMD's processors oneDNN takes
    two thirds of its time, on Intel's a little more than it. A kernel of one cell has
    nothing to dilate, so that a dilation changes only who computes it. Maps in oneDNN's
    layout, see :func:`use_blocked_layout`, oneDNN convolves in any case.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Convolve maps (N, C, H, W)."""
        dilation = 2 if x.device.type == 'cpu' and _has_slow_mkl() else 1
        return F.conv2d(x, self.weight, self.bias, dilation=dilation)

    @classmethod
    def convert(cls, network: nn.Module) -> None:
        """Replace the 1x1 convolutions of a network; parameters stay the same.

        Only layers of PyTorch and MMCV without stride, padding and groups are replaced.

        Args:
            network (Module): The network, which is changed.
        """
        replace_layers(network, cls._from_conv)

    @classmethod
    def _from_conv(cls, conv: nn.Module) -> PointwiseConv2d | None:
        if not isinstance(conv, nn.Conv2d) or not _is_pointwise(conv):
            return None
        converted = cls(conv.in_channels, conv.out_channels, 1, device='meta')
        converted.weight, converted.bias = conv.weight, conv.bias
        return converted


@cache
def _has_slow_mkl() -> bool:
    """Whether this is a CPU of AMD, and PyTorch was built with oneDNN."""
    is_amd = 'AuthenticAMD' in describe_processor('vendor_id')
    return is_amd and torch.backends.mkldnn.is_available()


def _is_pointwise(conv: nn.Conv2d) -> bool:
    return (
        type(conv) in (nn.Conv2d, Conv2d)
        and conv.kernel_size == (1, 1)
        and conv.stride == (1, 1)
        and conv.padding == (0, 0)
        and conv.groups == 1
    )
