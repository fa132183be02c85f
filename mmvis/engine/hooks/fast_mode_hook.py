"""Hook for the fast mode of a model."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmvis.models.vis import make_fast
from mmvis.registry import HOOKS

__all__ = ['FastModeHook']


@HOOKS.register_module()
class FastModeHook(Hook):
    """Rewrite the model for inference before a test, see :func:`make_fast`."""

    def before_test(self, runner: Runner) -> None:
        """Rewrite the model, which has its weights by now."""
        model = runner.model
        if is_model_wrapper(model):
            model = model.module
        make_fast(model.eval())
