"""Class and score of a sequence from those of its frames."""

from __future__ import annotations

import torch
from torch import Tensor

from mmvis.ties import argmax

__all__ = ['vote_classes']


def vote_classes(probs: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """Give each instance sequence the class that most of its frames have.

    As VisTR's published inference does it: each frame has its best class, no-object
    left out, and its probability; the class of the sequence is the most frequent
    one, its score the mean over all frames. Of equally frequent classes an unused
    one wins, then that with the smallest index.

    Args:
        probs (Tensor): Class probabilities, shape (N, T, K+U+1): K classes, U that no
            object has, no-object.
        num_classes (int): K.

    Returns:
        tuple[Tensor, Tensor]: Class of each sequence (N,), K and above is an
        unused one; score of each sequence (N,).
    """
    frame_scores = probs[..., :-1].amax(-1)
    frame_classes = argmax(probs[..., :-1])
    classes = torch.arange(probs.shape[-1] - 1, device=probs.device)
    votes = (frame_classes[..., None] == classes).sum(1)  # (N, K+U)
    # The published index breaks ties: unused classes first.
    order = classes.roll(-num_classes)
    rank = torch.arange(len(order), device=votes.device)
    winners = order[(votes[:, order] * len(order) - rank).argmax(1)]
    return winners, frame_scores.mean(1)
