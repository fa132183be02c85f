"""Hook that makes interrupted and uninterrupted trainings equal."""

import logging
from typing import Protocol

from mmengine.dist import get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmvis.datasets.seeded_index import seed_everything
from mmvis.registry import HOOKS

__all__ = ['ReproducibleTrainingHook']


@HOOKS.register_module()
class ReproducibleTrainingHook(Hook):
    """Seed every iteration from the data seed, its number and the rank.

    The random numbers of the model (dropout, point sampling) then need no state in the
    checkpoint. The data seed itself, that of the training sampler, is saved in the
    checkpoint and restored on resume; ``SeededInfiniteSampler`` derives order and
    augmentation of the samples from it.
    """

    priority = 'VERY_HIGH'

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Seed all generators."""
        seed = _sampler(runner).seed
        seed_everything((seed, runner.iter, get_rank()))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the data seed, and how many samples an iteration takes."""
        checkpoint['data_seed'] = _sampler(runner).seed
        checkpoint['samples_per_iter'] = _samples_per_iter(runner)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Restore the data seed where a training is resumed."""
        if not runner._resume or 'data_seed' not in checkpoint:
            return
        _sampler(runner).seed = checkpoint['data_seed']
        num_samples = _samples_per_iter(runner)
        earlier = checkpoint.get('samples_per_iter', num_samples)
        if earlier != num_samples:
            print_log(
                f'The checkpoint took {earlier} samples per iteration, over all '
                f'processes; from now on it is {num_samples}. The result is not that '
                'of an uninterrupted training: some samples are repeated or left out.',
                logger='current',
                level=logging.WARNING,
            )


def _samples_per_iter(runner: Runner) -> int:
    batch_sampler = runner.train_loop.dataloader.batch_sampler
    return batch_sampler.batch_size * get_world_size()


class _SeededSampler(Protocol):
    seed: int


def _sampler(runner: Runner) -> _SeededSampler:
    """Sampler of the training data, also where a batch sampler groups its indices."""
    return runner.train_loop.dataloader.batch_sampler.sampler
