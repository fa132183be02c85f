"""Hook that shows how far a training or a test is."""

from __future__ import annotations

import logging
import sys
import time
from datetime import timedelta
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook, LoggerHook
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from tqdm import tqdm

from mmvis.datasets.samplers import VideoChunkSampler
from mmvis.engine.console import ConsoleHandler

__all__ = ['ProgressHook']

_LINES_OF_AN_EVALUATION = 10


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
        self._train: _Progress | None = None
        self._evaluation: _Progress | None = None
        self._counts_frames = False

    def before_train(self, runner: Runner) -> None:
        """Begin to count the iterations."""
        self._train = _Progress(
            'train',
            runner.max_iters,
            done=runner.iter,
            unit='iteration',
            interval=_log_interval(runner),
            console=self.console,
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
        self._train.set_total(runner.max_iters)
        self._train.advance(1, numbers)

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
        for progress in (self._evaluation, self._train):
            if progress is not None:
                progress.close()

    def _begin_evaluation(self, phase: str, loop: BaseLoop) -> None:
        if self._evaluation is not None:
            self._evaluation.close()
        sampler = loop.dataloader.sampler
        self._counts_frames = isinstance(sampler, VideoChunkSampler)
        total = sampler.num_frames if self._counts_frames else len(loop.dataloader)
        self._evaluation = _Progress(
            phase,
            total,
            unit='frame' if self._counts_frames else 'batch',
            interval=max(1, -(-total // _LINES_OF_AN_EVALUATION)),
            console=self.console,
        )

    def _count_batch(self, data_batch: dict) -> None:
        num_units = 1
        if self._counts_frames:
            num_units = sum(len(sample) for sample in data_batch['data_samples'])
        self._evaluation.advance(num_units)


class _Progress:
    """What is done of a phase, as a bar or as lines.

    Args:
        phase (str): Its name.
        total (int): Number of units.
        done (int): Units that were done before. Defaults to 0.
        unit (str): What is counted.
        interval (int): Units from line to line.
        console (ConsoleHandler): Where lines are written.
    """

    def __init__(
        self,
        phase: str,
        total: int,
        *,
        done: int = 0,
        unit: str,
        interval: int,
        console: ConsoleHandler,
    ) -> None:
        self.phase = phase
        self.total = total
        self.unit = unit
        self.interval = interval
        self.console = console
        self._first = self._done = done
        self._begin = time.monotonic()
        self._bar = None
        if is_main_process() and sys.stderr.isatty():
            self._bar = tqdm(
                desc=phase,
                total=total,
                initial=done,
                unit=f' {unit}s',
                file=sys.stderr,
                dynamic_ncols=True,
                smoothing=0.05,
                leave=phase != 'validation',
            )

    def set_total(self, total: int) -> None:
        """Change the number of units."""
        self.total = total
        if self._bar is not None:
            self._bar.total = total

    def advance(self, num_units: int, numbers: dict[str, str] | None = None) -> None:
        """Count what was done, and show it with some numbers."""
        before, self._done = self._done, self._done + num_units
        if self._bar is not None:
            self._bar.set_postfix(numbers or {}, refresh=False)
            self._bar.update(num_units)
            if self._done == self.total:
                self.close()
        elif (
            self._done // self.interval > before // self.interval
            or self._done == self.total
        ):
            self._write_line(numbers or {})

    def close(self) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.close()

    def _write_line(self, numbers: dict[str, str]) -> None:
        elapsed = time.monotonic() - self._begin
        per_unit = elapsed / max(self._done - self._first, 1)
        left = timedelta(seconds=round(per_unit * (self.total - self._done)))
        parts = [
            f'{self.phase} {self._done}/{self.total} {self.unit}s',
            *(f'{name} {value}' for name, value in numbers.items()),
            f'{per_unit:.2f} s/{self.unit}',
            f'ETA {left}',
        ]
        self.console.show(', '.join(parts))


def _is_no_table(record: logging.LogRecord) -> bool:
    return not record.getMessage().lstrip('\n').startswith('+-')


def _log_interval(runner: Runner) -> int:
    for hook in runner.hooks:
        if isinstance(hook, LoggerHook):
            return hook.interval
    return 50
