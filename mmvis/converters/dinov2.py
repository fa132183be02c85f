"""Converter of DINOv2 to a ViT, that of VidEoMT and EoMT above all."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from mmvis.converters.rename import check_complete
from mmvis.errors import UserKeyError

__all__ = ['convert_dinov2', 'is_dinov2', 'resample_patches']


def is_dinov2(tensors: Mapping[str, Tensor]) -> bool:
    """Whether weights are those of a ViT alone, by the names of Meta or of timm."""
    return 'blocks.0.attn.qkv.weight' in tensors


def convert_dinov2(
    tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Turn DINOv2 with registers into the part of a model that is pretrained.

    Of a VidEoMT, the last blocks and the norm go to the head; of a model with another
    head, all goes to the backbone. Position embeddings and the kernel of
    the patches (14 pixels at 518) are resampled to those of the model (16 at 640).

    Args:
        tensors (Mapping[str, Tensor]): Weights by the names of Meta's checkpoints or of
            timm.
        expected (Mapping[str, Tensor]): State dict of the mmvis model.

    Returns:
        dict[str, Tensor]: Weights by the names of mmvis; not those of necks, queries,
        their propagation and the prediction heads.

    Raises:
        KeyError: If a weight is unknown, missing or left over.
        ValueError: If a shape differs.
    """
    # Not at the top: models import the reader of checkpoints from this package.
    from mmvis.models.backbones.vision_transformer import resample_position

    tensors = _as_timm(tensors)
    kernel = expected['backbone.patch_embed.weight']
    num_positions = expected['backbone.pos_embed'].shape[1]
    side = round(num_positions**0.5)
    tensors['patch_embed.proj.weight'] = resample_patches(
        tensors['patch_embed.proj.weight'], kernel.shape[-1]
    )
    tensors['pos_embed'] = resample_position(tensors['pos_embed'], (side, side))
    num_frame_blocks = len(
        {_block_of(n) for n in expected if n.startswith('backbone.b')}
    )
    norm = 'backbone.norm.' if 'backbone.norm.weight' in expected else 'head.norm.'
    old_names = {_our_name(n, num_frame_blocks, norm): n for n in tensors}
    in_head = r'|head\.blocks\.|head\.norm\.' if norm == 'head.norm.' else ''
    pretrained = re.compile(rf'backbone\.{in_head}')
    wanted = {n: value for n, value in expected.items() if pretrained.match(n)}
    check_complete(old_names, tensors, wanted)
    return {new: tensors[old] for new, old in old_names.items()}


def resample_patches(kernel: Tensor, size: int) -> Tensor:
    """Patch kernel for patches of another size.

    FlexiViT (Beyer et al., CVPR 2023), Eq. 4: of all kernels the one whose responses to
    resized patches are closest to those of the old kernel to the patches themselves.

    Args:
        kernel (Tensor): Shape (C, 3, P, P).
        size (int): New side of a patch.

    Returns:
        Tensor: Shape (C, 3, size, size).
    """
    old = kernel.shape[-1]
    if size == old:
        return kernel
    basis = torch.eye(old**2, dtype=torch.float64).view(old**2, 1, old, old)
    resize = F.interpolate(basis, size=(size, size), mode='bicubic', antialias=True)
    resize = resize.flatten(1)  # (old * old, size * size)
    resampled = kernel.double().flatten(2) @ torch.linalg.pinv(resize).T
    return resampled.unflatten(2, (size, size)).to(kernel.dtype)


def _as_timm(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights by timm's names, whose positions leave out the class token."""
    tensors = {n: value for n, value in tensors.items() if n != 'mask_token'}
    if 'register_tokens' in tensors:
        tensors['reg_token'] = tensors.pop('register_tokens')
        positions = tensors['pos_embed']
        tensors['cls_token'] = tensors['cls_token'] + positions[:, :1]
        tensors['pos_embed'] = positions[:, 1:]
    missing = [n for n in ('reg_token', 'pos_embed') if n not in tensors]
    if missing:
        raise UserKeyError(
            f'The checkpoint lacks {missing}: it is not a DINOv2 with registers. Take '
            'e.g. dinov2_vitl14_reg4_pretrain.pth.'
        )
    return tensors


def _our_name(name: str, num_frame_blocks: int, norm: str) -> str:
    if name.startswith('blocks.'):
        number, rest = _block_of(name), name.split('.', 2)[2]
        if number < num_frame_blocks:
            return f'backbone.{name}'
        return f'head.blocks.{number - num_frame_blocks}.{rest}'
    if name.startswith('norm.'):
        return name.replace('norm.', norm)
    return f'backbone.{name}'.replace('patch_embed.proj.', 'patch_embed.')


def _block_of(name: str) -> int:
    return int(name.partition('blocks.')[2].partition('.')[0])
