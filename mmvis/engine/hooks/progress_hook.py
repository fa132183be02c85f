"""Hook that shows how far a training or a test is."""

from __future__ import annotations

import logging
import sys
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook, LoggerHook
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop

from mmvis.datasets.samplers import VideoChunkSampler
from mmvis.engine.console import ConsoleHandler
from mmvis.progress import Progress

__all__ = ['ProgressHook']


class ProgressHook(Hook):
    """Show a progress bar on a terminal, and lines elsewhere.

    Training counts iterations, with loss and time that is left; a line is written at
    the interval of the ``LoggerHook``. Validation and test count frames (batches
    where no ``VideoChunkSampler`` gives them), and write at most ten lines. A
    validation ends with its metrics in one line.

    Args:
        console (ConsoleHandler): Where lines are written; bars are drawn on stderr.
    """

    # Losses are noted by a hook of VERY_HIGH priority.
    priority = 'LOW'

    def __init__(self, console: ConsoleHandler) -> None:
        self.console = console
        self._progress: dict[str, Progress] = {}  # of training and of an evaluation
        self._counts_frames = False

    def before_train(self, runner: Runner) -> None:
        """Begin to count the iterations."""
        self._progress['train'] = self._start(
            'train',
            runner.max_iters,
            'iteration',
            done=runner.iter,
            interval=_log_interval(runner),
        )

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Count an iteration, and show the mean loss of the last ones."""
        scalars = runner.message_hub.log_scalars
        numbers = {}
        if 'train/loss' in scalars:
            window = _log_interval(runner)
            numbers['loss'] = f'{scalars["train/loss"].mean(window):.3f}'
        if 'train/lr' in scalars:
            numbers['lr'] = f'{scalars["train/lr"].current():.1e}'
        # A training in minutes chooses its number of iterations late.
        self._progress['train'].set_total(runner.max_iters)
        self._progress['train'].advance(1, numbers)

    def before_val_epoch(self, runner: Runner) -> None:
        """Begin to count the frames."""
        self._begin_evaluation('validation', runner.val_loop)
        self.console.addFilter(_is_no_table)

    def before_test_epoch(self, runner: Runner) -> None:
        """Begin to count the frames."""
        self._begin_evaluation('test', runner.test_loop)

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Count the frames of a batch."""
        self._count_batch(data_batch)

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Show the metrics in percent, in one line; tables are in the log file."""
        self.console.removeFilter(_is_no_table)
        # What cannot be computed, e.g. AP of large objects without any, is -1.
        numbers = [
            f'{name.rpartition("/")[2]} {100 * value:.1f}'
            for name, value in (metrics or {}).items()
            if isinstance(value, float) and value >= 0
        ]
        if numbers:
            self.console.show(f'validation at {runner.iter}: {", ".join(numbers)}')

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Count the frames of a batch."""
        self._count_batch(data_batch)

    def close(self) -> None:
        """End the bars."""
        for progress in reversed(self._progress.values()):
            progress.close()

    def _begin_evaluation(self, phase: str, loop: BaseLoop) -> None:
        if 'evaluation' in self._progress:
            self._progress['evaluation'].close()
        sampler = loop.dataloader.sampler
        self._counts_frames = isinstance(sampler, VideoChunkSampler)
        total = sampler.num_frames if self._counts_frames else len(loop.dataloader)
        unit = 'frame' if self._counts_frames else 'batch'
        self._progress['evaluation'] = self._start(phase, total, unit)

    def _start(self, phase: str, total: int, unit: str, **kwargs: int) -> Progress:
        has_bar = is_main_process() and sys.stderr.isatty()
        return Progress(
            phase, total, unit, has_bar=has_bar, write=self.console.show, **kwargs
        )

    def _count_batch(self, data_batch: dict) -> None:
        num_units = 1
        if self._counts_frames:
            num_units = sum(len(sample) for sample in data_batch['data_samples'])
        self._progress['evaluation'].advance(num_units)


def _is_no_table(record: logging.LogRecord) -> bool:
    return not record.getMessage().lstrip('\n').startswith('+-')


def _log_interval(runner: Runner) -> int:
    for hook in runner.hooks:
        if isinstance(hook, LoggerHook):
            return hook.interval
    return 50
