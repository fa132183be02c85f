"""Plain vision transformer."""

from __future__ import annotations

import math

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmvis.errors import UserValueError
from mmvis.models.layers import (
    ViTBlock,
    rotary_position,
    run_recomputed,
    stack_layers,
)
from mmvis.registry import MODELS
from mmvis.structures import ClipFeatures

__all__ = ['VisionTransformer', 'resample_position']


@MODELS.register_module()
class VisionTransformer(BaseModule):
    """Frames as patches that attend to each other, frame by frame.

    ViT (Dosovitskiy et al., ICLR 2021) with register tokens (Darcet et al., ICLR
    2024) as DINOv2 and DINOv3 train it. It returns one map, the patches, and the class
    token and registers as the frame's tokens. Frames may have any size: they are
    padded with zeros to whole patches, and position embeddings are resampled.

    Args:
        embed_dims (int): C.
        num_blocks (int): Number of blocks, without those of a head.
        layer (dict): Arguments of :class:`ViTBlock` without ``embed_dims``.
        patch_size (int): Side of a patch, pixels. Defaults to 16.
        img_size (int): Side of the square whose patches have a position embedding
            each, pixels. Defaults to 640.
        num_registers (int): Defaults to 4.
        position (str): 'absolute' adds a learned embedding to each patch (DINOv2),
            'rotary' turns queries and keys in each block (DINOv3). Defaults to
            'absolute'.
        final_norm (bool): Normalise what is returned. Not for a head that continues
            with blocks of its own. Defaults to True.
        with_cp (bool): Recompute activations in the backward pass to save memory.
            Defaults to False.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        ValueError: If ``position`` is neither of them.
    """

    #: It takes and returns :class:`ClipFeatures`, but no frame sees another.
    temporal = False

    def __init__(
        self,
        embed_dims: int,
        num_blocks: int,
        layer: dict,
        patch_size: int = 16,
        img_size: int = 640,
        num_registers: int = 4,
        position: str = 'absolute',
        final_norm: bool = True,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if position not in ('absolute', 'rotary'):
            raise UserValueError(
                f"backbone.position must be 'absolute' or 'rotary', got {position!r}."
            )
        self.patch_size = patch_size
        self.with_cp = with_cp
        self.patch_embed = nn.Conv2d(3, embed_dims, patch_size, stride=patch_size)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        self.reg_token = nn.Parameter(torch.zeros(1, num_registers, embed_dims))
        self.pos_embed = None
        if position == 'absolute':
            num_patches = (img_size // patch_size) ** 2
            self.pos_embed = nn.Parameter(torch.zeros(1, num_patches, embed_dims))
            nn.init.normal_(self.pos_embed, std=0.02)
        nn.init.normal_(self.cls_token, std=0.02)
        nn.init.normal_(self.reg_token, std=0.02)
        self.blocks = stack_layers(ViTBlock, num_blocks, embed_dims, layer)
        self.head_channels = embed_dims // layer['num_heads']
        self.norm = nn.LayerNorm(embed_dims, eps=1e-6) if final_norm else nn.Identity()

    def forward(self, features: ClipFeatures) -> ClipFeatures:
        """Turn frames into patches.

        Args:
            features (ClipFeatures): The frames as its one map, (B, T, 3, H, W).

        Returns:
            ClipFeatures: One map (B, T, C, ceil(H/patch), ceil(W/patch)), and
            ``tokens`` (B, T, 1+registers, C), the class token first.
        """
        frames = features.maps[0]
        patches = self._embed_patches(frames.flatten(0, 1))  # (B*T, C, h, w)
        h, w = patches.shape[-2:]
        size = (h, w)
        patches = patches.flatten(2).transpose(1, 2)
        rotation = None
        if self.pos_embed is None:
            rotation = rotary_position(size, self.head_channels, patches)
        else:
            patches = patches + resample_position(self.pos_embed, size)
        tokens = torch.cat([self.cls_token, self.reg_token], dim=1)
        num_tokens = tokens.shape[1]
        x = torch.cat([tokens.expand(len(patches), -1, -1), patches], dim=1)
        for block in self.blocks:
            x = run_recomputed(block, x, None, rotation, with_cp=self.with_cp)
        x = self.norm(x).unflatten(0, frames.shape[:2])  # (B, T, 1+R+h*w, C)
        step = self.patch_size
        return features.replace(
            maps=(x[:, :, num_tokens:].transpose(2, 3).unflatten(-1, size),),
            feat_strides=(step * features.feat_strides[0],),
            padding_masks=(features.padding_masks[0][..., ::step, ::step],),
            tokens=x[:, :, :num_tokens],
        )

    def _embed_patches(self, frames: Tensor) -> Tensor:
        H, W = frames.shape[-2:]
        missing = (0, -W % self.patch_size, 0, -H % self.patch_size)
        return self._project(F.pad(frames, missing) if any(missing) else frames)

    def _project(self, frames: Tensor) -> Tensor:
        """Patches (B*T, C, h, w) of frames (B*T, 3, H, W) of whole patches."""
        return self.patch_embed(frames)


def resample_position(pos_embed: Tensor, size: tuple[int, int]) -> Tensor:
    """Position embeddings of a square grid at another size.

    Bicubic with antialiasing, as timm does it for the models that VidEoMT starts from.

    Args:
        pos_embed (Tensor): Shape (1, G*G, C).
        size (tuple[int, int]): Rows and columns of patches.

    Returns:
        Tensor: Shape (1, H*W, C).
    """
    side = math.isqrt(pos_embed.shape[1])
    if size == (side, side):
        return pos_embed
    grid = pos_embed.transpose(1, 2).unflatten(-1, (side, side)).float()
    grid = F.interpolate(grid, size=size, mode='bicubic', antialias=True)
    return grid.flatten(2).transpose(1, 2).to(pos_embed.dtype)
