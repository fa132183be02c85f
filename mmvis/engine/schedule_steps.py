"""Steps of learning rate schedules without those of the optimizer."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmengine.optim import _ParamScheduler

if TYPE_CHECKING:
    from mmengine.runner import Runner

__all__ = ['advance_schedules', 'set_schedule_end']


def advance_schedules(
    schedulers: Sequence[_ParamScheduler],
    num_iters: int,
    *,
    num_epochs: int = 0,
    epoch_len: int = 1,
) -> None:
    """Step schedules as a training does.

    Args:
        schedulers (Sequence[_ParamScheduler]): Schedules at their first step.
        num_iters (int): Finished iterations.
        num_epochs (int): Finished epochs. Defaults to 0.
        epoch_len (int): Iterations of an epoch. Defaults to 1.
    """
    by_iter = [s for s in schedulers if not s.by_epoch]
    by_epoch = [s for s in schedulers if s.by_epoch]
    with warnings.catch_warnings():
        # There is no step of the optimizer in between.
        warnings.filterwarnings('ignore', message='.*optimizer.step')
        for iteration in range(1, num_iters + 1):
            for scheduler in by_iter:
                scheduler.step()
            epoch, rest = divmod(iteration, epoch_len)
            if rest == 0 and epoch <= num_epochs:
                for scheduler in by_epoch:
                    scheduler.step()


def set_schedule_end(
    runner: Runner, old_end: int, new_end: int, num_iters: int
) -> None:
    """Let schedules that end with the training end at another iteration.

    The schedules are then where they would be if they had been built so.

    Args:
        runner (Runner): Its ``param_schedulers`` are replaced by new ones.
        old_end (int): Iterations of the training as it was configured.
        new_end (int): Iterations of the training.
        num_iters (int): Finished iterations.
    """
    configs = runner.cfg.get('param_scheduler') or []
    changed = [
        {
            key: new_end if key in ('end', 'T_max') and value == old_end else value
            for key, value in cfg.items()
        }
        for cfg in (configs if isinstance(configs, list) else [configs])
    ]
    for group in runner.optim_wrapper.param_groups:
        initial = [name for name in group if name.startswith('initial_')]
        group.update({name.removeprefix('initial_'): group[name] for name in initial})
    if changed:
        runner.param_schedulers = runner.build_param_scheduler(changed)
        advance_schedules(runner.param_schedulers, num_iters)
