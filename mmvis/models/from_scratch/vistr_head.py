"""VisTR's head with mean class probabilities of sequences."""

from __future__ import annotations

import torch
from torch import Tensor

from mmvis.models.vis_heads import VisTRHead
from mmvis.registry import MODELS
from mmvis.ties import argmax

__all__ = ['FromScratchVisTRHead']


@MODELS.register_module()
class FromScratchVisTRHead(VisTRHead):
    """A :class:`VisTRHead` that averages class probabilities over the frames.

    The published head takes the most frequent best class of the frames, which ignores
    the probabilities of all other classes.
    """

    def join_classes(self, probs: Tensor) -> tuple[Tensor, Tensor]:
        """Average the class probabilities of the frames; see the parent."""
        K = self.num_classes
        mean = probs.mean(1)
        cls_probs = torch.cat([mean[:, :K], mean[:, K:].sum(1, True)], dim=1)
        return cls_probs, argmax(mean[:, :-1]) < K
