"""Polynomial decay after two warm-ups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.optim import OptimWrapper
from mmengine.optim.scheduler.lr_scheduler import LRSchedulerMixin
from mmengine.optim.scheduler.param_scheduler import _ParamScheduler
from torch.optim import Optimizer

from mmvis.errors import UserValueError
from mmvis.registry import PARAM_SCHEDULERS

__all__ = ['TwoStageWarmupPolyLR']


@PARAM_SCHEDULERS.register_module()
class TwoStageWarmupPolyLR(LRSchedulerMixin, _ParamScheduler):
    """Warm up new parameters, then pretrained ones; both then decay polynomially.

    As EoMT (Kerssies et al., CVPR 2025) and VidEoMT train. During the first warm-up
    pretrained weights are fixed. Parameter groups state with ``pretrained`` which they
    are, see :class:`BlockDecayConstructor`.

    Args:
        optimizer (Optimizer | OptimWrapper): Whose learning rates to set.
        warmups (Sequence[int]): Steps of the first warm-up and of the second. Defaults
            to (500, 1000).
        power (float): Exponent of the decay. Defaults to 0.9.
        **kwargs (Any): ``begin``, ``end``, ``by_epoch`` and others that MMEngine's
            schedulers have; the runner sets ``end``.

    Raises:
        ValueError: If the warm-ups take the whole training, or a parameter group does
            not say which it is.
    """

    def __init__(
        self,
        optimizer: Optimizer | OptimWrapper,
        warmups: Sequence[int] = (500, 1000),
        power: float = 0.9,
        **kwargs: Any,
    ) -> None:
        self.warmups = tuple(warmups)
        self.power = power
        num_steps = kwargs.get('end', 0) - kwargs.get('begin', 0)
        if sum(self.warmups) >= num_steps:
            raise UserValueError(
                f'param_scheduler.warmups={self.warmups} take {sum(self.warmups)} '
                f'steps, but the training has {num_steps}. Shorten them.'
            )
        if not any('pretrained' in group for group in optimizer.param_groups):
            raise UserValueError(
                'TwoStageWarmupPolyLR needs parameter groups that say whether they are '
                "pretrained. Set optim_wrapper.constructor='BlockDecayConstructor'."
            )
        super().__init__(optimizer, **kwargs)

    def _get_value(self) -> list[float]:
        groups = self.optimizer.param_groups
        return [
            # OptimWrapper's own group, which only logs the rate, has no such entry.
            base_value * self._factor(group.get('pretrained', False))
            for base_value, group in zip(self.base_values, groups)
        ]

    def _factor(self, pretrained: bool) -> float:
        """Share of the base value at the current step."""
        start = self.warmups[0] if pretrained else 0
        length = self.warmups[1] if pretrained else self.warmups[0]
        step = self.last_step - start
        if step < length:
            return max(step, 0) / length
        num_steps = self.end - self.begin - start - length
        return (1 - (step - length) / num_steps) ** self.power
