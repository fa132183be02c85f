import multiprocessing
import os
import signal
import socket

import pytest

from mmvis.engine.run_lock import run_lock
from mmvis.errors import UserValueError

FORK = multiprocessing.get_context('fork')


def hold(work_dir, pipe):
    with run_lock(work_dir, 'train'):
        pipe.send('held')
        pipe.recv()


@pytest.fixture
def start():
    """Start a function in a process that ends with the test."""
    processes = []

    def start(function, *args):
        process = FORK.Process(target=function, args=args)
        process.start()
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.join()


@pytest.fixture
def start_run(start):
    """Start another process that holds the lock of a training."""

    def start_run(work_dir):
        pipe, other_end = FORK.Pipe()
        process = start(hold, work_dir, other_end)
        other_end.close()
        assert pipe.recv() == 'held'
        return process

    return start_run


@pytest.fixture
def other_run(start_run, tmp_path):
    """Another process with a training in tmp_path / 'work'."""
    return start_run(tmp_path / 'work')


def test_second_run_is_refused_with_the_first_one_named(other_run, tmp_path):
    with (
        pytest.raises(UserValueError) as caught,
        run_lock(tmp_path / 'work', 'train'),
    ):
        raise AssertionError('both run')
    message = str(caught.value)
    assert f'{tmp_path}/work is the work directory of another run (train)' in message
    assert f'process {other_run.pid} on {socket.gethostname()}, started 20' in message
    assert 'another --work-dir' in message


def test_other_folders_and_kinds_of_runs_are_free(other_run, tmp_path):
    with run_lock(tmp_path / 'work', 'test'), run_lock(tmp_path / 'other', 'train'):
        pass


@pytest.mark.parametrize(
    ('launcher', 'variable'),
    [
        ('pytorch', 'RANK'),
        ('slurm', 'SLURM_PROCID'),
        ('mpi', 'OMPI_COMM_WORLD_RANK'),
    ],
)
def test_ranks_of_one_run_share_it(
    other_run, tmp_path, monkeypatch, launcher, variable
):
    monkeypatch.setenv(variable, '1')
    with run_lock(tmp_path / 'work', 'train', launcher):
        pass
    monkeypatch.setenv(variable, '0')
    with (
        pytest.raises(UserValueError, match='another run'),
        run_lock(tmp_path / 'work', 'train', launcher),
    ):
        pass


def test_lock_of_a_killed_run_is_taken_over(other_run, tmp_path):
    os.kill(other_run.pid, signal.SIGKILL)
    other_run.join()
    with run_lock(tmp_path / 'work', 'train'):
        pass


def test_loader_workers_do_not_keep_it(start, start_run, tmp_path):
    pipe_to_worker, worker_end = FORK.Pipe()
    with run_lock(tmp_path, 'train'):
        start(worker_end.recv)
    start_run(tmp_path)
    pipe_to_worker.close()


def test_next_run_of_the_same_process(tmp_path):
    for _ in range(2):
        with run_lock(tmp_path, 'train'):
            pass


def test_file_that_a_link_leads_to_is_not_emptied(tmp_path):
    precious = tmp_path / 'precious.txt'
    precious.write_text('precious')
    (tmp_path / '.train.lock').symlink_to(precious)
    with pytest.raises(OSError, match=r'\.train\.lock'), run_lock(tmp_path, 'train'):
        pass
    assert precious.read_text() == 'precious'
