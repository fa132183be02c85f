"""Hook for mask annealing."""

from __future__ import annotations

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmvis.errors import UserValueError
from mmvis.registry import HOOKS

__all__ = ['MaskAnnealingHook']


@HOOKS.register_module()
class MaskAnnealingHook(Hook):
    """Lower the probability of attention masks to 0, one block after the other.

    EoMT (Kerssies et al., CVPR 2025), Sec. 3.2: queries learn with masked attention and
    are tested without, as a plain ViT. The probability of block i is 1 at first, then
    (1 - progress)^power during the period of the block, then 0. The periods have one
    length and are spread evenly. The probability depends on the iteration only, so
    that a resumed training continues with the same values.

    Args:
        begin (float): Share of the training after which the first block begins.
            Defaults to the published 1/6.
        end (float): Share of the training after which the last block is done. Defaults
            to the published 5/6.
        duration (float): Share of the training that each block takes. Defaults to the
            published 1/6.
        power (float): Defaults to the published 0.9.

    Raises:
        ValueError: If ``duration`` does not fit between ``begin`` and ``end``, or masks
            would be on until the training ends.
    """

    def __init__(
        self,
        begin: float = 1 / 6,
        end: float = 5 / 6,
        duration: float = 1 / 6,
        power: float = 0.9,
    ) -> None:
        if not 0 <= begin < begin + duration <= end < 1:
            raise UserValueError(
                'MaskAnnealingHook needs 0 <= begin < begin + duration <= end < 1, got '
                f'begin={begin}, duration={duration}, end={end}.'
            )
        self.begin = begin
        self.end = end
        self.duration = duration
        self.power = power

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Set the probabilities of the iteration in ``model.head``."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        probs = model.head.attn_mask_probs
        probs.copy_(self.probs(len(probs), runner.iter / runner.max_iters))

    def probs(self, num_blocks: int, progress: float) -> torch.Tensor:
        """Probability of each block's masks.

        Args:
            num_blocks (int): Number of blocks.
            progress (float): Share of the training that is done.

        Returns:
            Tensor: Shape (num_blocks,).
        """
        begins = torch.linspace(self.begin, self.end - self.duration, num_blocks)
        done = ((progress - begins) / self.duration).clamp(0, 1)
        return (1 - done) ** self.power
