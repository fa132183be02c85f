"""Position codes of the tokens of a clip."""

from __future__ import annotations

from mmdet.models.layers import SinePositionalEncoding
from torch import Tensor

__all__ = ['sine_position']


def sine_position(padding_mask: Tensor, embed_dims: int) -> Tensor:
    """Encode each cell's place in its frame, counted over unpadded cells.

    DETR's 2-D sine code (Carion et al., ECCV 2020), the same in every frame.

    Args:
        padding_mask (Tensor): Shape (B, T, H, W), True where a cell is padding.
        embed_dims (int): C, a multiple of 4: half of it for y, then half for x.

    Returns:
        Tensor: Shape (B, T, H*W, C).
    """
    B, T, H, W = padding_mask.shape
    encoding = SinePositionalEncoding(num_feats=embed_dims // 2, normalize=True)
    pos = encoding(padding_mask.flatten(0, 1))
    return pos.flatten(2).transpose(1, 2).view(B, T, H * W, embed_dims)
