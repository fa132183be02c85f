"""TeViT's backbone: PVTv2 whose frames exchange messenger tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import mul

import torch
from mmdet.models.backbones import PyramidVisionTransformerV2
from mmdet.models.backbones.pvt import (
    MixFFN,
    PVTEncoderLayer,
    SpatialReductionAttention,
)
from mmdet.models.layers import nchw_to_nlc, nlc_to_nchw
from mmengine.model.weight_init import trunc_normal_
from torch import Tensor, nn
from torch.nn import functional as F

from mmvis import memory_limits
from mmvis.models.layers import check_shift_strides, shift_tokens, strides_after
from mmvis.registry import MODELS
from mmvis.structures import ClipFeatures

__all__ = ['MsgShifT']


@MODELS.register_module()
class MsgShifT(PyramidVisionTransformerV2):
    """Messenger shift transformer.

    TeViT (Yang et al., CVPR 2022), Sec. 3.2, on PVTv2 (Wang et al., 2022). M learned
    messenger tokens pass with the patches of each frame through all stages. After
    each block they are shifted to other frames, circularly, see :func:`shift_tokens`.
    Every second block reverses the shift, and the last of an odd number of blocks
    shifts nothing, so that after each stage every token is in its own frame.

    Where patches pass through a convolution, a messenger token passes through it as a
    constant image of infinite size would: through the sum of the kernel's taps.
    This applies to patch embeddings, spatial reduction and the feed-forward blocks.
    Messenger tokens are queries of each attention, and keys where keys are spatially
    reduced (the first three stages).

    Parameters are those of MMDetection's ``PyramidVisionTransformerV2``, by the same
    names, and ``msg_tokens``. Sizes other than multiples of 32 pixels work, but the
    spatial reduction then leaves out the last rows and columns.

    The members of PVTv2's family differ in these arguments:

    ====  ==========  ==============  ============
    name  embed_dims  num_layers      mlp_ratios
    ====  ==========  ==============  ============
    B0    32          (2, 2, 2, 2)    (8, 8, 4, 4)
    B1    64          (2, 2, 2, 2)    (8, 8, 4, 4)
    B2    64          (3, 4, 6, 3)    (8, 8, 4, 4)
    B3    64          (3, 4, 18, 3)   (8, 8, 4, 4)
    B4    64          (3, 8, 27, 3)   (8, 8, 4, 4)
    B5    64          (3, 6, 40, 3)   (4, 4, 4, 4)
    ====  ==========  ==============  ============

    Args:
        embed_dims (int): Channels of the first stage over its number of heads.
            Defaults to 64.
        num_layers (Sequence[int]): Blocks of each of the four stages. Defaults to
            B1's.
        num_heads (Sequence[int]): Attention heads of each stage.
        mlp_ratios (Sequence[int]): Widening of each stage's feed-forward blocks.
            Defaults to (8, 8, 4, 4).
        out_indices (Sequence[int]): Stages whose maps are returned.
        drop_path_rate (float): Of the last block; rises linearly. Defaults to 0.1.
        num_messenger_tokens (int): M, a multiple of the number of groups. Defaults to
            32.
        shift_strides (Sequence[int]): Frames by which each group shifts. Defaults to
            the paper's (1, -1, 2, -2).
        convert_weights (bool): Whether the checkpoint of ``init_cfg`` has the names
            of PVT's own repository. Defaults to True.
        init_cfg (dict, optional): ``dict(type='Pretrained', checkpoint=...)`` with
            weights of PVTv2.

    Raises:
        ValueError: If the messenger tokens cannot be split into equal groups.
    """

    temporal = True

    def __init__(
        self,
        embed_dims: int = 64,
        *,
        num_layers: Sequence[int] = (2, 2, 2, 2),
        num_heads: Sequence[int] = (1, 2, 5, 8),
        mlp_ratios: Sequence[int] = (8, 8, 4, 4),
        out_indices: Sequence[int] = (0, 1, 2, 3),
        drop_path_rate: float = 0.1,
        num_messenger_tokens: int = 32,
        shift_strides: Sequence[int] = (1, -1, 2, -2),
        convert_weights: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            embed_dims=embed_dims,
            num_layers=list(num_layers),
            num_heads=list(num_heads),
            mlp_ratios=list(mlp_ratios),
            out_indices=tuple(out_indices),
            drop_path_rate=drop_path_rate,
            convert_weights=convert_weights,
            init_cfg=init_cfg,
        )
        check_shift_strides(shift_strides, num_messenger_tokens)
        self.shift_strides = tuple(shift_strides)
        # Three channels: messenger tokens start at the input, as images do.
        self.msg_tokens = nn.Parameter(torch.empty(1, num_messenger_tokens, 3))
        trunc_normal_(self.msg_tokens, std=0.02)

    def forward(self, features: ClipFeatures) -> ClipFeatures:
        """Encode the frames of a batch of clips.

        Args:
            features (ClipFeatures): One map, the frames (B, T, 3, H, W).

        Returns:
            ClipFeatures: Maps of the stages ``out_indices``, at strides 4 to 32, and
            as tokens the messenger tokens after the last stage, (B, T, M, C).
        """
        (frames,) = features.maps
        stages = list(self.forward_stages(frames))
        all_strides = list(accumulate(self.strides, mul))
        strides = tuple(all_strides[i] for i in self.out_indices)
        (padding_mask,) = features.padding_masks
        return features.replace(
            maps=tuple(stages[i][0] for i in self.out_indices),
            feat_strides=strides,
            padding_masks=tuple(padding_mask[..., ::s, ::s] for s in strides),
            tokens=stages[-1][1],
        )

    def forward_stages(self, frames: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the map and the messenger tokens after each stage.

        Args:
            frames (Tensor): Shape (B, T, 3, H, W).

        Yields:
            tuple[Tensor, Tensor]: Map (B, T, C, h, w), messenger tokens (B, T, M, C).
        """
        B, T, _, H, W = frames.shape
        # Only the shift mixes frames: all else can take some of them at a time.
        at_once = B * T
        if not torch.is_grad_enabled():
            at_once = memory_limits.frames_at_once(frames, H * W)
        x = frames.flatten(0, 1)
        messengers = self.msg_tokens.expand(B * T, -1, -1)
        for patch_embed, blocks, norm in self.layers:
            messengers = _as_constant_image(patch_embed.projection, messengers)
            messengers = patch_embed.norm(messengers)
            embedded = [patch_embed(frames) for frames in x.split(at_once)]
            parts, size = [part for part, _ in embedded], embedded[0][1]
            num_patches = size[0] * size[1]
            for j, block in enumerate(blocks):
                both = [
                    _run_block(block, torch.cat(part, dim=1), size)
                    for part in zip(parts, messengers.split(at_once))
                ]  # each (frames, h*w+M, C)
                parts = [part[:, :num_patches] for part in both]
                messengers = torch.cat([part[:, num_patches:] for part in both])
                shift = strides_after(j, len(blocks), self.shift_strides)
                messengers = shift_tokens(messengers.unflatten(0, (B, T)), shift)
                messengers = messengers.flatten(0, 1)  # (B*T, M, C)
            messengers = norm(messengers)
            x = torch.cat([nlc_to_nchw(norm(part), size) for part in parts])
            yield x.unflatten(0, (B, T)), messengers.unflatten(0, (B, T))


def _run_block(block: PVTEncoderLayer, both: Tensor, size: tuple[int, int]) -> Tensor:
    """Pass h*w patches and M tokens (B*T, h*w+M, C) through a block of PVTv2."""
    both = both + _attend(block.attn, block.norm1(both), size)
    return both + _feed_forward(block.ffn, block.norm2(both), size)


def _attend(
    attn: SpatialReductionAttention, both: Tensor, size: tuple[int, int]
) -> Tensor:
    num_patches = size[0] * size[1]
    patches, messengers = both[:, :num_patches], both[:, num_patches:]
    keys = patches
    if attn.sr_ratio > 1:
        reduced = nchw_to_nlc(attn.sr(nlc_to_nchw(patches, size)))
        messengers = _as_constant_image(attn.sr, messengers)
        keys = attn.norm(torch.cat([reduced, messengers], dim=1))
    query, keys = both.transpose(0, 1), keys.transpose(0, 1)  # PyTorch's order
    update, _ = attn.attn(query, keys, keys, need_weights=False)
    # One draw of stochastic depth per frame, messenger tokens included.
    return attn.dropout_layer(attn.proj_drop(update.transpose(0, 1)))


def _feed_forward(ffn: MixFFN, both: Tensor, size: tuple[int, int]) -> Tensor:
    num_patches = size[0] * size[1]
    patches, messengers = both[:, :num_patches], both[:, num_patches:]
    # Tokens one after the other are maps with channels last, nothing is copied.
    maps = patches.transpose(1, 2).unflatten(2, size)  # (B*T, C, h, w)
    maps = ffn.layers(maps.contiguous(memory_format=torch.channels_last))
    patches = maps.flatten(2).transpose(1, 2)
    for layer in ffn.layers:
        if isinstance(layer, nn.Conv2d):
            messengers = _as_constant_image(layer, messengers)
        else:
            messengers = layer(messengers)
    return ffn.dropout_layer(torch.cat([patches, messengers], dim=1))


def _as_constant_image(conv: nn.Conv2d, tokens: Tensor) -> Tensor:
    """Convolve tokens (..., C) as constant images of infinite size."""
    kernel = conv.weight.sum((2, 3))  # (C_out, C_in / groups)
    if conv.groups == 1:
        return F.linear(tokens, kernel, conv.bias)
    out = tokens * kernel[:, 0]  # depthwise
    return out if conv.bias is None else out + conv.bias
