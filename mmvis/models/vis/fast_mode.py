"""Fast mode of a model: the same network, rewritten for inference."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmcv.cnn.utils.fuse_conv_bn import fuse_conv_bn
from torch import Tensor, nn
from torch.nn import functional as F

from mmvis.errors import UserValueError
from mmvis.models.layers import (
    FastLinear,
    FusedBlock,
    fast_attention,
    fast_inner_products,
    fast_linear,
    inner_products,
)
from mmvis.models.vis.base import ClipVISModel

__all__ = ['fast_dtype', 'make_fast']

#: Largest difference of the maps before the head, relative to their largest value.
_TOLERANCE = 1e-4
_PROBE_SIZE = 64
#: Functions that a module has as an attribute, and what takes their place on a CPU.
_ON_CPU = dict(
    linear=(F.linear, fast_linear),
    attend=(F.scaled_dot_product_attention, fast_attention),
    products=(inner_products, fast_inner_products),
)


@torch.no_grad()
def make_fast(model: ClipVISModel) -> None:
    """Rewrite a model for inference; afterwards it cannot be trained.

    - Batch norms of backbone and necks are folded into the convolutions before them.
    - On a CPU oneDNN computes the linear layers, see :func:`fast_linear`, and the
      products of vision transformers; in float32 sums and ReLUs in the blocks of a
      ResNet belong to their convolutions, see :class:`FusedBlock`.
    - Products are in :func:`fast_dtype`. On a GPU, and in half precision on a CPU,
      convolutions have channels last.

    In float32 the outputs differ from those of the model before by rounding, less than
    1e-4 of the largest value; in half precision by its rounding.

    Args:
        model (ClipVISModel): With its weights, on its device, in eval mode. It is
            changed, the names of its parameters too.

    Raises:
        ValueError: If the model is in training mode, or the maps before the head change
            by more than that, because norms do not follow the convolutions in the
            order of the layers.
    """
    if model.training:
        raise UserValueError(
            'make_fast() needs the model in eval mode: batch norms that still learn '
            'cannot be folded. Call model.eval() first.'
        )
    device = next(model.parameters()).device
    probe = torch.randn(
        1, 1, 3, _PROBE_SIZE, _PROBE_SIZE, generator=torch.Generator().manual_seed(0)
    ).to(device)
    expected = model.extract_feat(probe).maps
    for stage in model.stages:
        fuse_conv_bn(stage)
    _check_maps(model, model.extract_feat(probe).maps, expected)
    if device.type == 'cpu':
        FastLinear.convert(model)
        for module in model.modules():
            for name, (plain, fast) in _ON_CPU.items():
                if getattr(module, name, None) is plain:
                    setattr(module, name, fast)
    model.autocast_dtype = fast_dtype(device)
    # On a CPU only half precision: oneDNN copies other layouts before and after each
    # convolution, in float32 it computes in blocks of its own.
    if device.type != 'cpu' or model.autocast_dtype is not None:
        _put_channels_last(model)
    else:
        FusedBlock.convert(model)


def fast_dtype(device: torch.device) -> torch.dtype | None:
    """Choose the type in which products are faster on a device.

    Returns:
        dtype | None: On GPUs bfloat16, or float16 where they lack it; on CPUs bfloat16
        if they have AMX. None for float32: without AMX bfloat16 is slower.
    """
    if device.type == 'cuda':
        has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if has_bfloat16 else torch.float16
    if device.type == 'cpu' and torch.cpu._is_amx_tile_supported():
        return torch.bfloat16
    return None


def _put_channels_last(model: nn.Module) -> None:
    """Of images only: ``model.to(memory_format=...)`` fails with volumes."""
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            weight = module.weight.data
            module.weight.data = weight.contiguous(memory_format=torch.channels_last)


def _check_maps(
    model: ClipVISModel, maps: Sequence[Tensor], expected: Sequence[Tensor]
) -> None:
    for x, reference in zip(maps, expected):
        scale = reference.abs().max().clamp(min=1e-6)
        difference = ((x - reference).abs().max() / scale).item()
        if not difference < _TOLERANCE:
            names = ', '.join(type(stage).__name__ for stage in model.stages)
            raise UserValueError(
                f'The fast mode does not fit {names}: with batch norms folded into the '
                f'convolutions before them, maps change by {difference:.0e} of their '
                'largest value. Run the model without it.'
            )
