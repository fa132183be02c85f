"""Training loops that resume without loading earlier batches."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.dataset import InfiniteSampler
from mmengine.dist import broadcast
from mmengine.logging import print_log
from mmengine.runner import EpochBasedTrainLoop as MMEngineEpochLoop
from mmengine.runner import IterBasedTrainLoop
from torch import nn
from torch.utils.data import BatchSampler, DataLoader

from mmvis.datasets.samplers import SeededInfiniteSampler
from mmvis.engine.schedule_steps import set_schedule_end
from mmvis.errors import UserTypeError, UserValueError
from mmvis.registry import LOOPS

__all__ = ['EpochBasedTrainLoop', 'ResumableTrainLoop', 'is_endless']

_NUM_SLOW = 10  # first iterations, which are not timed
_SECONDS = 'seconds_per_iteration'  # in the message hub, which checkpoints keep


@LOOPS.register_module()
class ResumableTrainLoop(IterBasedTrainLoop):
    """MMEngine's loop over iterations, with a resume that costs nothing.

    MMEngine 0.10.7 loads and augments all earlier batches again when a training is
    resumed. This loop asks the sampler to ``skip`` them; it needs an endless one that
    can, as :class:`~mmvis.datasets.samplers.SeededInfiniteSampler`.

    A training in minutes chooses its number of iterations after the first
    ``num_timed`` ones, from their mean duration without the first ten. Everything that
    ends at ``max_iters`` (schedules, and an interval of validation) then ends there.
    Validation, saving and start are not counted. A resumed training keeps the duration
    that was measured first.

    Args:
        *args (Any): Of :class:`mmengine.runner.IterBasedTrainLoop`.
        max_minutes (float | None): Length of the training, instead of ``max_iters``.
            Defaults to None.
        num_timed (int): Iterations that are timed, more than ten. Defaults to 100.
        **kwargs (Any): As ``*args``.

    Raises:
        TypeError: If the sampler of the training loader cannot skip samples.
        ValueError: If a number is too small.
    """

    def __init__(
        self,
        *args: Any,
        max_minutes: float | None = None,
        num_timed: int = 100,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if max_minutes is not None and not max_minutes > 0:
            raise UserValueError(
                f'`train_cfg.max_minutes` must be positive or None, got {max_minutes}.'
            )
        if num_timed <= _NUM_SLOW:
            raise UserValueError(
                f'`train_cfg.num_timed` must be more than {_NUM_SLOW}, the first '
                f'iterations, which are slow, got {num_timed}.'
            )
        self.max_minutes = max_minutes
        self.num_timed = num_timed
        self._has_length = max_minutes is None

    def run(self) -> nn.Module:
        """Train up to ``max_iters``, or for ``max_minutes``."""
        self.runner.call_hook('before_train')
        self.runner.call_hook('before_train_epoch')
        if self._iter == 0 and not self._has_length:
            # An earlier training of this process may have left it.
            self.runner.message_hub.pop_info(_SECONDS, None)
        if self._iter > 0:
            _skip_batches(self.dataloader, self._iter)
            self.dataloader_iterator = iter(self.dataloader)
        while self._is_unfinished() and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(self.dataloader_iterator))
            self._decide_current_val_interval()
            if self._is_time_to_validate():
                self.runner.val_loop.run()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def _is_unfinished(self) -> bool:
        is_timed = not self._has_length and self._iter >= self.num_timed
        if is_timed and self.max_minutes is not None:
            self._choose_length(self.max_minutes)
        return self._iter < self._max_iters or not self._has_length

    def _choose_length(self, minutes: float) -> None:
        """Choose the iterations that take so many minutes."""
        hub = self.runner.message_hub
        if _SECONDS not in hub.runtime_info:
            times = hub.get_scalar('train/time')
            mean = torch.tensor(float(times.mean(self.num_timed - _NUM_SLOW)))
            broadcast(mean)  # ranks have to agree
            hub.update_info(_SECONDS, mean.item())
        seconds = hub.get_info(_SECONDS)
        length = max(self._iter, round(60 * minutes / seconds))
        print_log(
            f'An iteration takes {seconds:.3f} s: {length} iterations in '
            f'{minutes} minutes.',
            logger='current',
        )
        old = self.max_iters
        self._max_iters = length
        self._has_length = True
        self.dynamic_intervals: list[int] = [
            length if interval == old else interval
            for interval in self.dynamic_intervals
        ]
        self._decide_current_val_interval()
        set_schedule_end(self.runner, old, length, self._iter)

    def _is_time_to_validate(self) -> bool:
        if self.runner.val_loop is None or self._iter < self.val_begin:
            return False
        return self._iter % self.val_interval == 0 or self._iter == self._max_iters


@LOOPS.register_module()
class EpochBasedTrainLoop(MMEngineEpochLoop):
    """MMEngine's loop over epochs, which ends with samplers that do not.

    An epoch is as many batches as the loader's length says, one pass over the data
    set. With an endless sampler the epochs are consecutive parts of its samples. A
    training resumed in the middle of an epoch continues with the next batch; a sampler
    with an end loads the earlier ones of that epoch again. Arguments are those of
    :class:`mmengine.runner.EpochBasedTrainLoop`.

    Raises:
        TypeError: If a training with an endless sampler is resumed, and it cannot skip
            samples.
    """

    _endless_batches: Iterator | None = None

    def run_epoch(self) -> None:
        """Train up to the end of the epoch."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        first = self._iter - self._epoch * len(self.dataloader)
        for idx, batch in enumerate(self._batches(first), start=first):
            self.run_iter(idx, batch)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def _batches(self, first: int) -> Iterator:
        """Yield the batches of this epoch from one on."""
        num_batches = len(self.dataloader)
        if not is_endless(self.dataloader):
            return itertools.islice(self.dataloader, first, num_batches)
        if self._endless_batches is None:
            if self._iter > 0:
                _skip_batches(self.dataloader, self._iter)
            self._endless_batches = iter(self.dataloader)
        return itertools.islice(self._endless_batches, num_batches - first)


def is_endless(dataloader: DataLoader) -> bool:
    """Tell whether the iteration over a loader has no end."""
    sampler = getattr(dataloader.batch_sampler, 'sampler', dataloader.sampler)
    return isinstance(sampler, (InfiniteSampler, SeededInfiniteSampler))


def _skip_batches(dataloader: DataLoader, num_batches: int) -> None:
    """Let the next iteration over a loader start later, without loading anything."""
    batch_sampler: Any = dataloader.batch_sampler
    sampler = batch_sampler.sampler
    if hasattr(batch_sampler, 'skip'):
        batch_sampler.skip(num_batches)
    elif type(batch_sampler) is BatchSampler and hasattr(sampler, 'skip'):
        sampler.skip(num_batches * batch_sampler.batch_size)
    else:
        raise UserTypeError(
            'Resuming needs a sampler that can skip samples, got '
            f'{type(sampler).__name__} in {type(batch_sampler).__name__}. Set '
            "train_dataloader.sampler.type='SeededInfiniteSampler', without a "
            "batch_sampler or with type='SeededAspectRatioBatchSampler', or take "
            "MMEngine's loop: train_cfg.type='IterBasedTrainLoop'."
        )
