"""Readable messages for errors that a user can fix."""

from __future__ import annotations

import errno
import logging
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import Config
from mmengine.logging import MMLogger

from mmvis.engine.config_errors import (
    explain_config_error,
    is_about_config,
    traced_calls,
)
from mmvis.errors import UserError
from mmvis.terminal import printable

__all__ = ['explain', 'is_user_error', 'user_errors']

#: Messages of torch when a resource is exhausted, and how to fix it.
_LACKS = (
    (
        re.compile('shared memory|signal: Bus error|file </torch_'),
        'Shared memory (/dev/shm) is full or too small for the loader workers. '
        'Enlarge it (docker run --shm-size=8g, or `mount -o remount,size=8G /dev/shm`) '
        'or load in the main process: --cfg-options train_dataloader.num_workers=0 '
        'train_dataloader.persistent_workers=False (the same for val_dataloader and '
        'test_dataloader).',
    ),
    (
        re.compile(r'DataLoader worker .*signal: Killed'),
        'The system killed a loader worker, most likely because memory ran out. Lower '
        'num_workers or batch_size of train_dataloader or test_dataloader.',
    ),
    (
        re.compile('Too many open files|received 0 items of ancdata'),
        'Raise the limit with `ulimit -n 65535`, or lower num_workers of the '
        'dataloaders.',
    ),
    (
        re.compile(r'out of memory|can.t allocate memory'),
        'Lower train_dataloader.batch_size or the size of the images; --amp halves the '
        'memory of a GPU.',
    ),
)


@contextmanager
def user_errors(config: str | None = None, cfg: Config | None = None) -> Iterator[None]:
    """End the program with one message for errors that the user can fix.

    The full traceback of every error goes to the log file of the run, if there is one.

    Args:
        config (str, optional): Path of the config file, or of another that is worked
            on, named in the message. Not needed where the messages name theirs.
        cfg (Config, optional): Its content, to find the field of an unknown type and
            the folder that is written to.

    Raises:
        SystemExit: With status 2, after such an error. Other errors pass through.
    """
    try:
        yield
    except Exception as error:
        log_file = _log_traceback(error, cfg)
        if not is_user_error(error):
            raise
        message = explain(error, cfg)
        if config is not None and not message.startswith(f'{config}: '):
            message = f'{config}: {message}'
        message = printable(f'error: {message}', keep='\n')
        print(message, file=sys.stderr)  # noqa: T201
        if log_file is not None:
            print(f'details: {log_file}', file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from error


def is_user_error(error: BaseException) -> bool:
    """Tell an error that the user can fix from a bug.

    The former are :class:`mmvis.errors.UserError`, errors of the operating system,
    syntax errors of a config, a lack of memory, and what MMEngine, MMDetection, MMCV
    or torch say of the values of a config that they read or build from.
    """
    error = _original(error)
    return (
        isinstance(error, (UserError, OSError, SyntaxError))
        or is_about_config(error)
        or _find_remedy(error) is not None
    )


def explain(error: BaseException, cfg: Config | None = None) -> str:
    """Message of an error; of one about a config with the field."""
    error = _original(error)
    message = _message(error)
    remedy = _find_remedy(error)
    if remedy is not None:
        return f'{message.rstrip(".")}. {remedy}'
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _explain_full_disk(error, cfg)
    if cfg is None:
        return message
    return explain_config_error(error, message, cfg.to_dict())


def _original(error: BaseException) -> BaseException:
    """The error itself where MMEngine raised another one instead.

    Its ``Runner.call_hook`` replaces each TypeError of a hook.
    """
    calls = traced_calls(error)
    if calls and calls[-1][1] == 'call_hook' and error.__context__ is not None:
        return error.__context__
    return error


def _find_remedy(error: BaseException) -> str | None:
    """How to fix an error about exhausted memory or files; None for others."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and len(chain) < 10:
        chain.append(link)
        link = link.__cause__ or link.__context__
    for link in chain:
        if isinstance(link, (RuntimeError, MemoryError, OSError)):
            for pattern, remedy in _LACKS:
                if pattern.search(str(link)):
                    return remedy
    return None


def _message(error: BaseException) -> str:
    """Message of an error, without the traceback that a loader worker adds."""
    # str() of a KeyError is the repr of its message.
    is_quoted = isinstance(error, KeyError) and error.args
    message = str(error.args[0] if is_quoted else error)
    if message.startswith('Caught ') and '\nOriginal Traceback' in message:
        start = re.compile(rf'^(?:[\w.]+\.)?{type(error).__name__}: ', re.MULTILINE)
        message = start.split(message)[-1].strip()
    return message or type(error).__name__


def _explain_full_disk(error: OSError, cfg: Config | None) -> str:
    path = error.filename or (cfg or {}).get('work_dir') or 'a file'
    return (
        f'{error.strerror}: {path}. Free some space, lower '
        'default_hooks.checkpoint.max_keep_ckpts, or choose another --work-dir.'
    )


def _log_traceback(error: BaseException, cfg: Config | None) -> str | None:
    """Write the full traceback to the log file of the run.

    Returns:
        str | None: The file; None if the run has not made one yet.
    """
    text = ''.join(traceback.format_exception(error))
    path, work_dir = None, (cfg or {}).get('work_dir')
    for handler in MMLogger.get_current_instance().handlers:
        # The last logger of this process may be that of an earlier run.
        if (
            work_dir is not None
            and isinstance(handler, logging.FileHandler)
            and Path(work_dir).resolve() in Path(handler.baseFilename).resolve().parents
        ):
            handler.handle(
                logging.LogRecord('mmvis', logging.ERROR, '', 0, text, None, None)
            )
            path = handler.baseFilename
    return path
