"""Batch norm that does not learn, with less memory in training."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from mmvis.models.layers.replace_layers import replace_layers

__all__ = ['FrozenBatchNorm2d']

_BUFFERS = ('running_mean', 'running_var', 'num_batches_tracked')


class FrozenBatchNorm2d(nn.BatchNorm2d):
    """A batch norm that keeps nothing for the backward pass while it is frozen.

    Frozen is a norm in eval mode whose weight and bias do not learn, as those of most
    backbones: then its gradient is a factor for each channel. PyTorch keeps the input
    of such a norm nevertheless, a third of what a ResNet-50 keeps. Otherwise it is
    PyTorch's norm; outputs are equal in any case.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise maps (N, C, H, W)."""
        learns = self.training or self.weight.requires_grad or self.bias.requires_grad
        if learns or not (torch.is_grad_enabled() and x.requires_grad):
            return super().forward(x)
        return _FrozenNorm.apply(x, self)

    @classmethod
    def convert(cls, network: nn.Module) -> None:
        """Replace the batch norms of a network; parameters and buffers stay the same.

        Args:
            network (Module): The network, which is changed.
        """
        replace_layers(network, cls._from_norm)

    @classmethod
    def _from_norm(cls, norm: nn.Module) -> FrozenBatchNorm2d | None:
        if type(norm) is not nn.BatchNorm2d:
            return None
        if not (norm.affine and norm.track_running_stats):
            return None
        converted = cls(norm.num_features, norm.eps, norm.momentum, device='meta')
        converted.weight, converted.bias = norm.weight, norm.bias
        for name in _BUFFERS:
            setattr(converted, name, getattr(norm, name))
        return converted


class _FrozenNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, norm: FrozenBatchNorm2d) -> Tensor:
        variance = norm.get_buffer('running_var')
        scale = norm.weight / (variance + norm.eps).sqrt()
        ctx.save_for_backward(scale[:, None, None])
        return F.batch_norm(
            x, norm.running_mean, variance, norm.weight, norm.bias, eps=norm.eps
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (scale,) = ctx.saved_tensors
        return grad * scale.to(grad.dtype), None
