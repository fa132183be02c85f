"""ViT with a convolutional stem and position codes as initial embeddings."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from mmvis.errors import UserValueError
from mmvis.models.backbones import VisionTransformer
from mmvis.models.layers import sine_position
from mmvis.registry import MODELS

__all__ = ['FromScratchVisionTransformer']


@MODELS.register_module()
class FromScratchVisionTransformer(VisionTransformer):
    """A :class:`VisionTransformer` for a short training without pre-trained weights.

    Patches are the cells of a small convolutional network's last map, the hybrid of
    ViT's paper (Dosovitskiy et al., ICLR 2021, Sec. 3.1): with a linear projection of
    pixels, a ViT needs far more training (Xiao et al., NeurIPS 2021). Position
    embeddings are initialised with the codes of :func:`sine_position`, so that
    positions differ from the first iteration on, not after hundreds of epochs.

    Args:
        stem (dict): Config of a backbone, e.g. a small ResNet, whose last map has a
            stride of ``patch_size``.
        pos_temperature (float): Of the codes.
        **kwargs (Any): Of :class:`VisionTransformer`, with absolute positions.

    Raises:
        ValueError: If the stem has another stride, or positions are not absolute.
    """

    def __init__(self, *, stem: dict, pos_temperature: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.pos_embed is None:
            raise UserValueError(
                "backbone.position must be 'absolute' here, got "
                f'{kwargs["position"]!r}. Leave it out.'
            )
        _, num_patches, embed_dims = self.pos_embed.shape
        self.stem = MODELS.build(stem)
        self.patch_embed = nn.Conv2d(self._stem_channels(), embed_dims, 1)
        side = math.isqrt(num_patches)
        cells = torch.zeros(1, 1, side, side, dtype=torch.bool)
        codes = sine_position(cells, embed_dims, pos_temperature, offset=-0.5)
        with torch.no_grad():
            self.pos_embed.copy_(codes[0])
        for layer in self.blocks.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)

    @torch.no_grad()
    def _stem_channels(self) -> int:
        side = 2 * self.patch_size
        self.stem.eval()
        cells = self.stem(torch.zeros(1, 3, side, side))[-1]
        self.stem.train()
        if cells.shape[-2:] != (2, 2):
            raise UserValueError(
                f'backbone.stem has a stride of {side / cells.shape[-1]:g}, but '
                f'backbone.patch_size is {self.patch_size}. Make them equal.'
            )
        return cells.shape[1]

    def _project(self, frames: Tensor) -> Tensor:
        return self.patch_embed(self.stem(frames)[-1])
