"""ViT with position codes as initial position embeddings."""

from __future__ import annotations

import math

import torch

from mmvis.models.backbones import VisionTransformer
from mmvis.models.layers import sine_position
from mmvis.registry import MODELS

__all__ = ['FromScratchVisionTransformer']


@MODELS.register_module()
class FromScratchVisionTransformer(VisionTransformer):
    """A :class:`VisionTransformer` for a short training without pre-trained weights.

    Its position embeddings are initialised with the codes of :func:`sine_position`, so
    that positions differ from the first iteration on, not after hundreds of epochs.

    Args:
        pos_temperature (float): Of the codes.
        **kwargs (object): Of :class:`VisionTransformer`, with absolute positions.
    """

    def __init__(self, *, pos_temperature: float, **kwargs: object) -> None:
        super().__init__(**kwargs)
        _, num_patches, embed_dims = self.pos_embed.shape
        side = math.isqrt(num_patches)
        cells = torch.zeros(1, 1, side, side, dtype=torch.bool)
        codes = sine_position(cells, embed_dims, pos_temperature, offset=-0.5)
        with torch.no_grad():
            self.pos_embed.copy_(codes[0])
