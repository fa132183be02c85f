"""MMEngine's runner with a short console."""

from __future__ import annotations

import logging
from typing import Any

import torch
from mmengine.logging import MMLogger
from mmengine.runner import Runner as MMEngineRunner

from mmvis.engine.console import shorten_console
from mmvis.engine.hooks.progress_hook import ProgressHook
from mmvis.registry import RUNNERS

__all__ = ['Runner']


@RUNNERS.register_module()
class Runner(MMEngineRunner):
    """MMEngine's runner, which shows on the console what a person waits for.

    These are the device and the log file, a progress bar of each phase, checkpoints,
    tables and warnings. The log file has everything; so has the console if the config
    has ``verbose = True``. Arguments are those of :class:`mmengine.runner.Runner`.
    """

    _progress: ProgressHook | None = None

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Build the logger of the run, with a short console unless it is verbose."""
        logger = super().build_logger(*args, **kwargs)
        logger.addFilter(_name_processes)
        if not self.cfg.get('verbose', False):
            console = shorten_console(logger)
            console.show(f'on {self._describe_device()}; log: {logger.log_file}')
            self._progress = ProgressHook(console)
        return logger

    def register_hooks(self, *args: Any, **kwargs: Any) -> None:
        """Register the hooks of the config, and the progress bar."""
        super().register_hooks(*args, **kwargs)
        if self._progress is not None:
            self.register_hook(self._progress)

    def train(self) -> torch.nn.Module:
        """Train; the bars end with it, also where it fails."""
        try:
            return super().train()
        finally:
            self._close_bars()

    def test(self) -> dict:
        """Test; the bars end with it, also where it fails."""
        try:
            return super().test()
        finally:
            self._close_bars()

    def _close_bars(self) -> None:
        if self._progress is not None:
            self._progress.close()

    def _describe_device(self) -> str:
        has_gpu = torch.cuda.is_available()
        device = torch.cuda.get_device_name() if has_gpu else 'the CPU'
        if self.world_size == 1:
            return device
        return f'{device}, {self.world_size} processes'


def _name_processes(record: logging.LogRecord) -> bool:
    """Filter that lets all pass; MMEngine calls processes GPUs, on a CPU as well."""
    if isinstance(record.msg, str):
        record.msg = record.msg.replace('GPU number: ', 'Number of processes: ')
    return True
