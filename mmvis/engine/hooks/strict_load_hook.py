"""Hook that refuses checkpoints of another model."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner

from mmvis.converters.checkpoint_file import weights_of
from mmvis.engine.checkpoint_schemes import use_safe_checkpoint_files
from mmvis.engine.resuming import check_resumable
from mmvis.engine.strategies.sharded_model import ShardedModel
from mmvis.engine.strict_loading import (
    add_new_parameters,
    check_weights,
    drop_other_heads,
)
from mmvis.registry import HOOKS

__all__ = ['StrictLoadHook']


@HOOKS.register_module()
class StrictLoadHook(Hook):
    """Refuse a checkpoint that does not fill the model exactly.

    MMEngine's runner loads what fits and leaves the rest as it was initialised.

    Args:
        new_heads (Sequence[str]): Regular expressions of full parameter names, the
            class heads. Where a training starts from a checkpoint (``load_from``)
            for other classes, they are initialised randomly, and the log names them.
            In test and resume they must fit. Defaults to none.
        new_parameters (Sequence[str]): The same for parameters that such a checkpoint
            may lack, e.g. messenger tokens, which a pre-training on images does not
            have. Defaults to none.
    """

    priority = 'VERY_LOW'

    def __init__(
        self, new_heads: Sequence[str] = (), new_parameters: Sequence[str] = ()
    ) -> None:
        # Before the runner reads or writes any.
        use_safe_checkpoint_files()
        self.new_heads = tuple(new_heads)
        self.new_parameters = tuple(new_parameters)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check a checkpoint before MMEngine loads it.

        Raises:
            ValueError: If the weights do not fit, or the checkpoint lacks a part of
                the state of the training that is resumed.
        """
        if runner._resume:
            check_resumable(runner, checkpoint)
        model = runner.model
        if is_model_wrapper(model) and not isinstance(model, ShardedModel):
            model = model.module
        weights = weights_of(checkpoint)
        is_training = isinstance(runner.optim_wrapper, OptimWrapper)
        if is_training and not runner._resume:
            drop_other_heads(model, weights, self.new_heads)
            add_new_parameters(model, weights, self.new_parameters)
        check_weights(model, weights, runner._load_from or 'The last checkpoint')
        checkpoint['state_dict'] = weights
