"""Makes an interrupted and resumed training equal to an uninterrupted one."""

from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import Sampler

from mmvis.datasets.seeded_index import seed_everything
from mmvis.registry import HOOKS

__all__ = ['ReproducibleTrainingHook']


@HOOKS.register_module()
class ReproducibleTrainingHook(Hook):
    """Seed every iteration from the data seed, its number and the rank.

    What the model draws (dropout, point sampling) then depends on nothing that would
    have to be saved. The data seed itself, that of the training sampler, is kept in
    the checkpoint and restored on resume; ``SeededInfiniteSampler`` makes order and
    augmentation of the samples follow from it.
    """

    priority = 'VERY_HIGH'

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Seed all generators."""
        seed = _sampler(runner).seed
        seed_everything((seed, runner.iter, get_rank()))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the data seed."""
        checkpoint['data_seed'] = _sampler(runner).seed

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Restore the data seed where a training is resumed."""
        if runner._resume and 'data_seed' in checkpoint:
            _sampler(runner).seed = checkpoint['data_seed']


def _sampler(runner: Runner) -> Sampler:
    """Sampler of the training data, also where a batch sampler groups its indices."""
    return runner.train_loop.dataloader.batch_sampler.sampler
