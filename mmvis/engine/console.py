"""Console output of trainings and tests; the log file has everything."""

from __future__ import annotations

import logging
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from mmengine.dist import is_main_process
from mmengine.logging import MMLogger
from tqdm import tqdm

__all__ = ['ConsoleHandler', 'log_warnings', 'shorten_console']

#: Messages for the log file: what each of them is about, and how it begins.
FILE_ONLY = {
    'environment': r'\s*-+\nSystem environment:',
    'config': r'Config:\n',
    'hooks': r'Hooks will be executed in the following order',
    'SyncBatchNorm of one process': r'Distributed training is not used, all SyncBatch',
    'folder of checkpoints': r'Checkpoints will be saved to ',
    'checkpoint, printed as well': r'Load checkpoint from ',
    'name of the run': r'Exp name: ',
    'iterations, shown by the progress bar': r'(Iter|Epoch)\((train|val|test)\)',
    'settings of each parameter': r'paramwise_options -- ',
    'results file, printed at the end': r'Wrote \d+ tracks to ',
}
#: Warnings for the log file: about code that is not the user's, and frozen weights.
NOISE = {
    'frozen weights': r'.* is skipped since its requires_grad=False',
    "MMEngine's FileClient": r'"FileClient" will be deprecated',
    "MMEngine's HardDiskBackend": r'"HardDiskBackend" is the alias of',
    'torch.jit': r'DeprecationWarning: `torch\.jit\.\w+` is (deprecated|not supported)',
    'torch.cuda.amp': r'FutureWarning: `torch\.cuda\.amp\.\S+` is deprecated',
    'torch.meshgrid': r'UserWarning: torch\.meshgrid: in an upcoming release',
    'arrays of pycocotools': r'DeprecationWarning: __array__ implementation doesn.t',
    'buffers that mmvis does not broadcast': r'FutureWarning: `broadcast_buffers` is',
    'threads of each process': r'UserWarning: Setting \w+_NUM_THREADS environment',
    'pkg_resources': r'\w+Warning: pkg_resources is deprecated',
}
_FILE_ONLY = re.compile('|'.join(FILE_ONLY.values()))
_NOISE = re.compile('|'.join(NOISE.values()))


class ConsoleHandler(logging.StreamHandler):
    """Handler that shows messages above the progress bars, and not all of them.

    Those of :data:`FILE_ONLY` and :data:`NOISE` are left out; so is no error, and no
    warning that is not listed there.
    """

    def __init__(self) -> None:
        super().__init__(sys.stdout)
        self.setFormatter(_Formatter(datefmt='%H:%M:%S'))
        self.addFilter(_is_for_console)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a message; bars are removed meanwhile."""
        with tqdm.external_write_mode(file=self.stream):
            super().emit(record)

    def show(self, message: str) -> None:
        """Write a message that the log file does not get."""
        # Of a distributed run, the level of all but the first process is higher.
        if self.level <= logging.INFO:
            self.handle(logging.makeLogRecord(dict(msg=message, levelno=logging.INFO)))


class _Formatter(logging.Formatter):
    """Time and message, the level only where it is one to notice; tables alone."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if message.startswith('\n+-'):
            return message[1:]
        is_notable = record.levelno >= logging.WARNING
        level = f'{record.levelname.lower()}: ' if is_notable else ''
        self._style._fmt = f'%(asctime)s {level}%(message)s'
        return super().format(record)


def shorten_console(logger: MMLogger) -> ConsoleHandler:
    """Give a logger a :class:`ConsoleHandler` instead of MMEngine's.

    Args:
        logger (MMLogger): Logger of a run, changed in place.

    Returns:
        ConsoleHandler: Its new handler.
    """
    console = ConsoleHandler()
    for old in logger.handlers:
        if type(old) is logging.StreamHandler:
            console.setLevel(old.level)
            for repeated in old.filters:
                console.addFilter(repeated)
    others = [h for h in logger.handlers if type(h) is not logging.StreamHandler]
    logger.handlers[:] = [console, *others]
    return console


@contextmanager
def log_warnings() -> Iterator[None]:
    """Send the warnings of Python to the log of the run, file and console.

    Processes without a console of their own, all but the first of a distributed run,
    show theirs on stderr as usual, except for :data:`NOISE`.
    """
    show = warnings.showwarning

    def log(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        text = f'{category.__name__}: {message} ({filename}, line {lineno})'
        has_log = MMLogger._instance_dict and is_main_process()
        logger = MMLogger.get_current_instance() if has_log else None
        is_noise = _NOISE.match(text) is not None
        if logger is not None and (logger.log_file is not None or not is_noise):
            logger.warning(text)
        elif not is_noise:
            show(message, category, filename, lineno, file, line)

    with warnings.catch_warnings():
        warnings.showwarning = log
        yield


def _is_for_console(record: logging.LogRecord) -> bool:
    if record.levelno >= logging.ERROR:
        return True
    listed = _NOISE if record.levelno >= logging.WARNING else _FILE_ONLY
    return listed.match(record.getMessage()) is None
