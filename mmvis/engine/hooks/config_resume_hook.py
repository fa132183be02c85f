"""Hook that resumes with the optimizer settings and schedule of the config."""

from __future__ import annotations

import logging
from types import SimpleNamespace

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper, OptimWrapperDict, _ParamScheduler
from mmengine.runner import Runner

from mmvis.engine.schedule_steps import advance_schedules
from mmvis.registry import HOOKS

__all__ = ['ConfigResumeHook']

#: What a group of an optimizer has beside settings.
_PARAMETERS = ('params', 'param_names')


@HOOKS.register_module()
class ConfigResumeHook(Hook):
    """Apply the config to a resumed training.

    MMEngine restores the learning rate, all other settings of the optimizer and the
    schedule from the checkpoint, so that a longer or changed schedule is ignored. This
    hook takes them from the config: it advances the schedule of the config to the
    iteration of the checkpoint. Of the optimizer only the state of each parameter, as
    AdamW's moments, is restored. What differs from the checkpoint is logged.
    """

    priority = 'LOWEST'  # after `StrictLoadHook`, which checks the checkpoint

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Replace what MMEngine would restore."""
        optimizer = runner.optim_wrapper
        if not runner._resume or not isinstance(optimizer, OptimWrapper):
            return
        schedulers = runner.param_schedulers or []
        has_several = isinstance(optimizer, OptimWrapperDict)
        if has_several or not _are_of_iterations(schedulers):
            print_log(
                'Optimizer and schedule are resumed as they are in the checkpoint; '
                'changes of `optim_wrapper` and `param_scheduler` are not followed: '
                'there are several optimizers, or the schedule follows the validation.',
                logger='current',
                level=logging.WARNING,
            )
            return
        _advance(
            optimizer, schedulers, checkpoint['meta'], len(runner.train_dataloader)
        )
        stored, current = checkpoint['optimizer'], optimizer.state_dict()
        _log_changes(stored, current)
        kept = {key: stored[key] for key in ('loss_scaler',) if key in stored}
        checkpoint['optimizer'] = {**current, 'state': stored['state'], **kept}
        checkpoint['param_schedulers'] = [s.state_dict() for s in schedulers]


def _are_of_iterations(schedulers: list[_ParamScheduler]) -> bool:
    """Whether schedules follow from the number of iterations alone."""
    return not any(getattr(s, 'need_val_args', False) for s in schedulers)


def _advance(
    optimizer: OptimWrapper,
    schedulers: list[_ParamScheduler],
    meta: dict,
    iters_per_epoch: int,
) -> None:
    """Step as the training did up to the checkpoint.

    An optimizer has up to one group a parameter, most of them with the same settings:
    only groups that differ are stepped, as a training may be a million steps long.
    """
    groups = optimizer.param_groups
    settings = [_settings(group) for group in groups]
    distinct = list({repr(part): part for part in settings}.values())
    index = [distinct.index(part) for part in settings]
    first = [index.index(i) for i in range(len(distinct))]
    small = SimpleNamespace(param_groups=distinct, step=None, _global_step=0)
    for scheduler in schedulers:
        scheduler.optimizer = small
        scheduler.base_values = [scheduler.base_values[i] for i in first]
    advance_schedules(
        schedulers,
        meta['iter'],
        num_epochs=meta['epoch'],
        epoch_len=iters_per_epoch,
    )
    for scheduler in schedulers:
        scheduler.optimizer = optimizer
        scheduler.base_values = [scheduler.base_values[i] for i in index]
        scheduler._last_value = [scheduler._last_value[i] for i in index]
    for group, i in zip(groups, index):
        group.update(distinct[i])


def _settings(group: dict) -> dict:
    return {name: value for name, value in group.items() if name not in _PARAMETERS}


def _log_changes(stored: dict, current: dict) -> None:
    """Log which settings are no longer those of the checkpoint."""
    changes = []
    for old, new in zip(stored['param_groups'], current['param_groups']):
        for name in sorted(_settings(new)):
            if name in old and old[name] != new[name]:
                changes.append(f'{name} {old[name]} -> {new[name]}')
    if changes:
        print_log(
            'The resumed training follows the config; other than in the checkpoint is: '
            + ', '.join(dict.fromkeys(changes)),
            logger='current',
        )
