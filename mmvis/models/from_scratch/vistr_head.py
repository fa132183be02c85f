"""VisTR's head whose sequences have the mean class probabilities of their frames."""

from __future__ import annotations

import torch
from torch import Tensor

from mmvis.models.vis_heads import VisTRHead
from mmvis.registry import MODELS
from mmvis.ties import argmax

__all__ = ['FromScratchVisTRHead']


@MODELS.register_module()
class FromScratchVisTRHead(VisTRHead):
    """A :class:`VisTRHead` whose sequences are judged by all that their frames say.

    Votes of frames, each for one class alone, lose what a model that is not sure yet
    knows of the others.
    """

    def join_classes(self, probs: Tensor) -> tuple[Tensor, Tensor]:
        """Average the class probabilities of the frames; see the parent."""
        K = self.num_classes
        mean = probs.mean(1)
        cls_probs = torch.cat([mean[:, :K], mean[:, K:].sum(1, True)], dim=1)
        return cls_probs, argmax(mean[:, :-1]) < K
