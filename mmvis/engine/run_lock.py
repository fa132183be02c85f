"""Lock that keeps two runs out of one work directory."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.logging import print_log

from mmvis.errors import UserValueError

__all__ = ['run_lock']

_MAIN_RANK = {'pytorch': 'RANK', 'slurm': 'SLURM_PROCID', 'mpi': 'OMPI_COMM_WORLD_RANK'}


@contextmanager
def run_lock(work_dir: str | Path, kind: str, launcher: str = 'none') -> Iterator[None]:
    """Hold the lock of a work directory for the length of a run.

    The operating system holds it for the process and drops it when that ends, however
    it ends, so a lock that a killed run left behind is taken over. It is for the first
    rank of a run alone: the other ranks pass. Loader workers do not inherit it.

    Args:
        work_dir (str | Path): The work directory; it is made.
        kind (str): What the run does, 'train' or 'test'. Runs of two kinds may share
            a work directory: they write other files.
        launcher (str): 'none', 'pytorch', 'slurm' or 'mpi'. Defaults to 'none'.

    Raises:
        ValueError: If another process, here or on another machine that shares the
            folder, has a run of this kind in it.
    """
    if int(os.environ.get(_MAIN_RANK.get(launcher, ''), 0)) != 0:
        yield
        return
    path = Path(work_dir, f'.{kind}.lock')
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not truncated: until it is locked, the content is that of another run. Not
    # through a link: what it leads to is no lock, and would be emptied.
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    with open(os.open(path, flags, 0o666), 'r+') as file:
        _lock(file.fileno(), path, kind)
        file.truncate(0)
        json.dump(_owner(), file)
        file.flush()
        try:
            yield
        finally:
            # The file stays: a run that has opened it would lock a removed one.
            file.truncate(0)


def _lock(descriptor: int, path: Path, kind: str) -> None:
    # Not `flock`: a child process, as a loader worker, would share that lock and keep
    # it for some seconds after a killed training.
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        raise UserValueError(
            f'{path.parent} is the work directory of another run ({kind}) that is not '
            f'finished: {_describe_owner(descriptor)}. Wait for its end, stop it, or '
            'choose another --work-dir.'
        ) from error
    except OSError as error:
        print_log(
            f'{path.parent} is on a file system without locks ({error.strerror}): make '
            'sure that no other run writes to it.',
            logger='current',
            level=logging.WARNING,
        )


def _owner() -> dict:
    started = time.strftime('%Y-%m-%d %H:%M:%S')
    return dict(process=os.getpid(), host=socket.gethostname(), started=started)


def _describe_owner(descriptor: int) -> str:
    try:
        owner = json.loads(os.pread(descriptor, 4096, 0))
        return 'process {process} on {host}, started {started}'.format(**owner)
    except (ValueError, KeyError, TypeError):
        return 'a process that has only started'
