"""Layout of maps in the stages of a ResNet on a CPU."""

from __future__ import annotations

import platform
from typing import Any

import torch
from mmcv.cnn.bricks.wrappers import Conv2d
from mmdet.models.backbones.resnet import Bottleneck
from mmdet.models.layers import ResLayer
from torch import Tensor, nn

from mmvis.models.layers.frozen_batch_norm import FrozenBatchNorm2d
from mmvis.models.layers.pointwise_conv import PointwiseConv2d

__all__ = ['has_onednn', 'use_blocked_layout']

# Their subclasses may compute something else, as deformable convolutions do.
_KNOWN = (
    *(nn.Conv2d, Conv2d, PointwiseConv2d),
    *(nn.BatchNorm2d, FrozenBatchNorm2d),
    *(nn.ReLU, nn.Sequential),
)
# ARM's processors have other libraries for convolutions.
_IS_X86 = platform.machine().lower() in ('x86_64', 'amd64')


def use_blocked_layout(network: nn.Module) -> None:
    """Let the stages of ResNets keep their maps in oneDNN's own layout.

    oneDNN convolves blocks of channels. Without gradients, on an x86 CPU in float32,
    the maps are put into blocks before the first layer of a stage and taken out of them
    after its last one, instead of before and after each convolution. Outputs are those
    of oneDNN's convolutions without it.

    Args:
        network (Module): Its stages of MMDetection's ``Bottleneck`` get two hooks;
            small blocks gain nothing.
    """
    for stage in network.modules():
        if isinstance(stage, ResLayer) and all(_has_kernels(block) for block in stage):
            stage.register_forward_pre_hook(_into_blocks)
            stage.register_forward_hook(_out_of_blocks)


def _has_kernels(block: nn.Module) -> bool:
    """Whether oneDNN has a kernel for each layer of a block."""
    parts = [part for part in block.modules() if part is not block]
    return type(block) is Bottleneck and all(type(part) in _KNOWN for part in parts)


def _into_blocks(stage: nn.Sequential, args: tuple[Tensor]) -> tuple[Tensor] | None:
    (x,) = args
    is_inference = not (stage.training or torch.is_grad_enabled())
    # The fast mode has other blocks in the stage, which take plain maps.
    is_blocked = is_inference and all(type(block) is Bottleneck for block in stage)
    return (x.to_mkldnn(),) if is_blocked and has_onednn() and _is_plain(x) else None


def has_onednn() -> bool:
    """Whether oneDNN computes convolutions; a compiled network has its own layouts."""
    mkldnn = torch.backends.mkldnn
    is_on = mkldnn.is_available() and bool(mkldnn.enabled)
    return is_on and _IS_X86 and not torch.compiler.is_compiling()


def _is_plain(x: Tensor) -> bool:
    """Whether maps are in float32 on a CPU, with channels first.

    Operators of subclasses may not know oneDNN's layout.
    """
    is_float = x.dtype == torch.float32 and not torch.is_autocast_enabled('cpu')
    is_on_cpu = type(x) is Tensor and x.device.type == 'cpu'
    return is_on_cpu and is_float and x.is_contiguous()


def _out_of_blocks(stage: nn.Sequential, args: Any, maps: Tensor) -> Tensor:
    return maps.to_dense() if maps.is_mkldnn else maps
