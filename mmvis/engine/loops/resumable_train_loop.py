"""Iteration-based training that resumes without loading what it has seen."""

from mmengine.runner import IterBasedTrainLoop
from torch.utils.data import BatchSampler

from mmvis.errors import UserTypeError
from mmvis.registry import LOOPS

__all__ = ['ResumableTrainLoop']


@LOOPS.register_module()
class ResumableTrainLoop(IterBasedTrainLoop):
    """MMEngine's loop over iterations, with a resume that costs nothing.

    MMEngine 0.10.7 loads and augments all earlier batches again when a training is
    resumed. This loop asks the sampler to ``skip`` them; it needs an endless one that
    can, as :class:`~mmvis.datasets.samplers.SeededInfiniteSampler`. Arguments are
    those of :class:`mmengine.runner.IterBasedTrainLoop`.

    Raises:
        TypeError: If the sampler of the training loader cannot skip samples.
    """

    def run(self) -> None:
        """Train up to ``max_iters``."""
        self.runner.call_hook('before_train')
        self.runner.call_hook('before_train_epoch')
        if self._iter > 0:
            self._skip_seen_batches()
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(self.dataloader_iterator))
            self._decide_current_val_interval()
            if self._is_time_to_validate():
                self.runner.val_loop.run()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def _skip_seen_batches(self) -> None:
        batch_sampler = self.dataloader.batch_sampler
        sampler = batch_sampler.sampler
        if hasattr(batch_sampler, 'skip'):
            batch_sampler.skip(self._iter)
        elif type(batch_sampler) is BatchSampler and hasattr(sampler, 'skip'):
            sampler.skip(self._iter * batch_sampler.batch_size)
        else:
            raise UserTypeError(
                'Resuming needs a sampler that can skip samples, got '
                f'{type(sampler).__name__} in {type(batch_sampler).__name__}. Set '
                "train_dataloader.sampler.type='SeededInfiniteSampler', without a "
                "batch_sampler or with type='SeededAspectRatioBatchSampler', or take "
                "MMEngine's loop: train_cfg.type='IterBasedTrainLoop'."
            )
        self.dataloader_iterator = iter(self.dataloader)

    def _is_time_to_validate(self) -> bool:
        if self.runner.val_loop is None or self._iter < self.val_begin:
            return False
        return self._iter % self.val_interval == 0 or self._iter == self._max_iters
