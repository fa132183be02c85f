"""Position codes of the tokens of a clip."""

from __future__ import annotations

import math

import torch
from mmdet.models.layers import SinePositionalEncoding
from torch import Tensor

from mmvis.errors import UserValueError

__all__ = ['sine_position', 'sine_position_3d']


def sine_position(
    padding_mask: Tensor,
    embed_dims: int,
    temperature: float = 10000,
    offset: float = 0.0,
) -> Tensor:
    """Encode each cell's place in its frame, counted over unpadded cells.

    DETR's 2-D sine code (Carion et al., ECCV 2020), the same in every frame.

    Args:
        padding_mask (Tensor): Shape (B, T, H, W), True where a cell is padding.
        embed_dims (int): C, a multiple of 4: half of it for y, then half for x.
        temperature (float): Ratio of the highest and the lowest frequency. The highest
            is one period over the frame, so the lower the ratio, the more a code
            differs from those of other places. Defaults to DETR's.
        offset (float): Added to each cell's count, which starts at 1: -0.5 for the
            cells' centres. Defaults to 0, as in DETR.

    Returns:
        Tensor: Shape (B, T, H*W, C).
    """
    B, T, H, W = padding_mask.shape
    encoding = SinePositionalEncoding(
        num_feats=embed_dims // 2,
        temperature=temperature,
        normalize=True,
        offset=offset,
    )
    pos = encoding(padding_mask.flatten(0, 1))
    return pos.flatten(2).transpose(1, 2).view(B, T, H * W, embed_dims)


def sine_position_3d(padding_mask: Tensor, embed_dims: int) -> Tensor:
    """Encode each cell's place in its clip: in time, height and width.

    VisTR (Wang et al., CVPR 2021), Sec. 3.2. On each axis the unpadded cells are
    counted, from a bit above 0 to 2 pi; frequencies fall from 1 to almost 1/10000,
    with sine and cosine in turn.

    Args:
        padding_mask (Tensor): Shape (B, T, H, W), True where a cell is padding.
        embed_dims (int): C, a multiple of 6: a third for t, then y, then x.

    Returns:
        Tensor: Shape (B, T, H*W, C).

    Raises:
        ValueError: If ``embed_dims`` is no multiple of 6.
    """
    if embed_dims % 6:
        raise UserValueError(
            'The 3-D position code has sine and cosine for each of three axes: '
            f'`embed_dims` must be a multiple of 6, got {embed_dims}.'
        )
    num_feats = embed_dims // 3
    pairs = torch.arange(num_feats // 2, device=padding_mask.device)
    periods = 10000 ** (2 * pairs / num_feats)  # (C/6,)
    is_cell = (~padding_mask).float()
    codes = []
    for axis in (1, 2, 3):
        counts = is_cell.cumsum(axis)
        last = counts.narrow(axis, counts.shape[axis] - 1, 1)
        angles = (counts / (last + 1e-6) * 2 * math.pi)[..., None] / periods
        codes.append(torch.stack([angles.sin(), angles.cos()], -1).flatten(-2))
    return torch.cat(codes, dim=-1).flatten(2, 3)
