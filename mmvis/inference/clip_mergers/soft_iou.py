"""Soft IoU of mask tubes."""

from __future__ import annotations

from torch import Tensor

from mmvis.errors import UserValueError

__all__ = ['soft_iou']

_EPS = 1e-6


def soft_iou(probs_a: Tensor, probs_b: Tensor) -> Tensor:
    """Soft IoU between two sets of mask tubes over the frames they share.

    Used to link clips, IFC (Hwang et al., NeurIPS 2021), Sec. 3.3: the sum of
    ``p * q`` over the sum of ``p + q - p * q``, both over all frames and pixels at
    once. It is a matrix product per frame, nothing of size Na x Nb x H x W is made.

    Args:
        probs_a (Tensor): Mask probabilities in [0, 1], shape (Na, T, H, W).
        probs_b (Tensor): The same for the other clip, shape (Nb, T, H, W).

    Returns:
        Tensor: Pairwise soft IoU in [0, 1], shape (Na, Nb); 0 where both are empty.

    Raises:
        ValueError: If the two sets differ in T, H or W.
    """
    if probs_a.shape[1:] != probs_b.shape[1:]:
        raise UserValueError(
            'soft_iou compares masks of the same frames and size, got (T, H, W) '
            f'{tuple(probs_a.shape[1:])} and {tuple(probs_b.shape[1:])}. Pass only '
            'the frames that both clips share.'
        )
    frames_a = probs_a.transpose(0, 1).flatten(2)  # (T, Na, H*W)
    frames_b = probs_b.transpose(0, 1).flatten(2)  # (T, Nb, H*W)
    intersection = (frames_a @ frames_b.transpose(1, 2)).sum(0)  # (Na, Nb)
    area_a = probs_a.sum((1, 2, 3))
    area_b = probs_b.sum((1, 2, 3))
    union = area_a[:, None] + area_b[None, :] - intersection
    return intersection / (union + _EPS)
