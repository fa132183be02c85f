"""Hook that stops a training whose loss is NaN or infinite."""

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvis.errors import UserFloatingPointError
from mmvis.registry import HOOKS

__all__ = ['FiniteLossHook']


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stop at the first iteration whose loss is NaN or infinite, naming the term.

    It runs before the checkpoint is written, so that no checkpoint has NaN weights.
    """

    priority = 'VERY_HIGH'

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None,
        outputs: dict[str, torch.Tensor],
    ) -> None:
        """Check all loss terms.

        Raises:
            FloatingPointError: If one is not finite.
        """
        losses = {name: value for name, value in outputs.items() if 'loss' in name}
        values = torch.stack([torch.as_tensor(v).detach() for v in losses.values()])
        if values.isfinite().all():
            return
        bad = [
            f'{name} = {value}'
            for name, value in zip(losses, values.tolist())
            if not torch.tensor(value).isfinite()
        ]
        # The sum adds no information to its terms.
        terms = [term for term in bad if not term.startswith('loss = ')] or bad
        raise UserFloatingPointError(
            f'Training stopped at iteration {runner.iter + 1}: {", ".join(terms)}. '
            'Lower optim_wrapper.optimizer.lr, check optim_wrapper.clip_grad, train '
            'without --amp, or check the annotations; then resume from the last '
            f'checkpoint in {runner.work_dir} with --resume.'
        )
