"""Updates of a model whose weights are shared out among processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmengine.optim import AmpOptimWrapper, OptimWrapper

from mmvis.registry import OPTIM_WRAPPERS

if TYPE_CHECKING:
    from mmvis.engine.strategies.sharded_model import ShardedModel

__all__ = ['ShardedAmpOptimWrapper', 'ShardedOptimWrapper']


class _WholeNormMixin(OptimWrapper):
    """Clip gradients by the norm of the whole gradient, not of the part that is here.

    Attributes:
        sharded_model (ShardedModel): The model; set after it is built.
    """

    sharded_model: ShardedModel

    def _clip_grad(self) -> None:
        """Clip; a turn of all processes, also of one without any gradient."""
        if self.grad_name != 'grad_norm':  # of single values, which need no others
            super()._clip_grad()
            return
        norm = self.sharded_model.clip_grad_norm_(**self.clip_grad_kwargs)
        self.message_hub.update_scalar('train/grad_norm', float(norm))


@OPTIM_WRAPPERS.register_module()
class ShardedOptimWrapper(_WholeNormMixin, OptimWrapper):
    """MMEngine's ``OptimWrapper`` for a :class:`ShardedModel`."""


@OPTIM_WRAPPERS.register_module()
class ShardedAmpOptimWrapper(_WholeNormMixin, AmpOptimWrapper):
    """MMEngine's ``AmpOptimWrapper`` for a :class:`ShardedModel`."""
