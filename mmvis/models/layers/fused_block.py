"""Blocks of a ResNet whose sums and ReLUs belong to their convolutions."""

from __future__ import annotations

from typing import Any

import torch
from mmcv.cnn.bricks.wrappers import Conv2d
from mmdet.models.backbones.resnet import BasicBlock, Bottleneck
from torch import Tensor, nn

from mmvis.models.layers.blocked_layout import has_onednn
from mmvis.models.layers.fast_linear import is_fast
from mmvis.models.layers.pointwise_conv import PointwiseConv2d
from mmvis.models.layers.replace_layers import replace_layers

__all__ = ['FusedBlock']


class FusedConv2d(nn.Module):
    """A convolution, a sum and a ReLU, which oneDNN computes in one pass over the map.

    That is without gradients, on an x86 CPU in float32; PyTorch computes them one after
    the other otherwise. oneDNN's copy of the weights, in its own layout, is kept until
    the weights change, and is not saved.

    Args:
        conv (Conv2d): The convolution.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv
        self._packed: tuple[tuple[int, int], Tensor] | None = None

    def __getstate__(self) -> dict:
        return self.__dict__ | dict(_packed=None)  # its layout cannot be pickled

    def forward(
        self, x: Tensor, added: Tensor | None = None, has_relu: bool = True
    ) -> Tensor:
        """Convolve maps.

        Args:
            x (Tensor): Shape (N, C_in, H, W).
            added (Tensor, optional): Added before the ReLU, shape (N, C_out, H', W').
            has_relu (bool): Whether there is a ReLU. Defaults to True.

        Returns:
            Tensor: Shape (N, C_out, H', W').
        """
        if not self._is_fused(x):
            y = self.conv(x)
            y = y if added is None else y + added
            return y.relu() if has_relu else y
        layer = self.conv.bias, *self._settings
        relu, weight = 'relu' if has_relu else 'none', self._packed_weight(x)
        convolve = torch.ops.mkldnn._convolution_pointwise
        if added is None:
            return convolve(x, weight, *layer, relu, [], '')
        return convolve.binary(x, added, weight, *layer, 'add', 1.0, relu, [], '')

    @property
    def _settings(self) -> tuple[Any, ...]:
        conv = self.conv
        return conv.padding, conv.stride, conv.dilation, conv.groups

    def _is_fused(self, x: Tensor) -> bool:
        is_known = type(x) is Tensor and is_fast(x, self.conv.weight)
        return is_known and has_onednn()

    def _packed_weight(self, x: Tensor) -> Tensor:
        weight = self.conv.weight
        if weight.is_inference():
            return weight  # PyTorch does not count its changes
        state = weight.data_ptr(), weight._version
        if self._packed is None or self._packed[0] != state:
            pack: Any = torch._C._nn.mkldnn_reorder_conv2d_weight
            dense = weight.detach().to_mkldnn()
            self._packed = state, pack(dense, *self._settings, list(x.shape))
        return self._packed[1]


class FusedBlock(nn.Module):
    """A block of MMDetection's ResNet, after its norms have been folded.

    Args:
        block (BasicBlock | Bottleneck): Gives the convolutions.
    """

    def __init__(self, block: BasicBlock | Bottleneck) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            FusedConv2d(conv)
            for conv in block.children()
            if isinstance(conv, nn.Conv2d)
        )
        shortcut = block.downsample
        self.shortcut = shortcut and FusedConv2d(shortcut[0])

    def forward(self, x: Tensor) -> Tensor:
        """Run the block on maps (N, C_in, H, W)."""
        x = x.contiguous(memory_format=torch.channels_last)
        added = x if self.shortcut is None else self.shortcut(x, has_relu=False)
        for conv in self.convs[:-1]:
            x = conv(x)
        return self.convs[-1](x, added)

    @classmethod
    def convert(cls, network: nn.Module) -> None:
        """Replace the blocks of ResNets whose layers are all known.

        Args:
            network (Module): The network, which is changed, also the names of its
                parameters.
        """
        replace_layers(network, cls._from_block)

    @classmethod
    def _from_block(cls, block: nn.Module) -> FusedBlock | None:
        parts = [part for part in block.modules() if part is not block]
        is_known = all(type(part) in _KNOWN for part in parts)
        is_known &= type(block) in (BasicBlock, Bottleneck)
        return cls(block) if is_known else None


#: What blocks have after norms were folded; subclasses may compute something else.
_KNOWN = (nn.Conv2d, Conv2d, PointwiseConv2d, nn.Identity, nn.ReLU, nn.Sequential)
