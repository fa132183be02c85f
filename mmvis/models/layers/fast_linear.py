"""Linear layers that oneDNN computes on CPUs."""

from __future__ import annotations

import torch
from mmcv.cnn.bricks.wrappers import Linear
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from mmvis.models.layers.replace_layers import replace_layers

__all__ = [
    'FastLinear',
    'fast_inner_products',
    'fast_linear',
    'inner_products',
    'is_fast',
]


def fast_linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Apply a linear layer, on a CPU by oneDNN where no gradients are asked for.

    PyTorch gives products in float32 to MKL, which on AMD's processors takes twice the
    time of oneDNN. Results differ by the order of summation. The operator is that of
    ``torch.compile``; where PyTorch was built without it, this is ``F.linear``.

    Args:
        x (Tensor): Shape (..., C_in).
        weight (Tensor): Shape (C_out, C_in).
        bias (Tensor, optional): Shape (C_out,).

    Returns:
        Tensor: Shape (..., C_out).
    """
    if not is_fast(x, weight) or x.numel() == 0:
        return F.linear(x, weight, bias)
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, 'none', [], '')


def inner_products(x: Tensor, y: Tensor) -> Tensor:
    """Compute inner products of vectors.

    Args:
        x (Tensor): Shape (B, N, C).
        y (Tensor): Shape (B, M, C).

    Returns:
        Tensor: Shape (B, N, M).
    """
    return x @ y.transpose(1, 2)


def fast_inner_products(x: Tensor, y: Tensor) -> Tensor:
    """Compute :func:`inner_products` with :func:`fast_linear`.

    In half precision, too: a product of batches would first copy ``y``.
    """
    return torch.stack([fast_linear(*pair) for pair in zip(x, y)])


def is_fast(x: Tensor, weight: Tensor) -> bool:
    """Whether :func:`fast_linear` leaves a product to oneDNN."""
    is_plain = x.device.type == 'cpu' and x.dtype == weight.dtype == torch.float32
    is_inference = not torch.is_grad_enabled() and not torch.is_autocast_enabled('cpu')
    return is_plain and is_inference and _HAS_ONEDNN


class FastLinear(nn.Linear):
    """A linear layer with :func:`fast_linear`."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to features of shape (..., C_in)."""
        return fast_linear(x, self.weight, self.bias)

    @classmethod
    def convert(cls, network: nn.Module) -> None:
        """Replace linear layers of PyTorch and MMCV; parameters stay the same.

        Args:
            network (Module): The network, which is changed.
        """
        replace_layers(network, cls._from_linear)

    @classmethod
    def _from_linear(cls, layer: nn.Module) -> FastLinear | None:
        if not isinstance(layer, nn.Linear) or type(layer) not in _KINDS:
            return None
        converted = cls(layer.in_features, layer.out_features, device='meta')
        converted.weight, converted.bias = layer.weight, layer.bias
        return converted


_KINDS = (nn.Linear, NonDynamicallyQuantizableLinear, Linear)
_HAS_ONEDNN = hasattr(torch.ops.mkldnn, '_linear_pointwise')
