import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmvis.benchmarks import process_memory

HOLD = 'block = bytearray(80 * 2**20); print("held", flush=True); input()'
CHILD = f'import subprocess, sys; subprocess.run([sys.executable, "-c", {HOLD!r}])'
MEGABYTE = 2**20

pytestmark = pytest.mark.skipif(
    not Path('/proc/self/smaps_rollup').exists(), reason='reads /proc of Linux'
)


@pytest.fixture
def grandchild():
    """A process whose child holds 80 MB."""
    with subprocess.Popen(
        [sys.executable, '-c', CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == 'held\n'
        yield process
        process.communicate('\n')


def test_counts_what_descendants_hold(grandchild):
    memory = process_memory.tree_memory(grandchild.pid)
    assert 80 * MEGABYTE < memory < 140 * MEGABYTE
    assert process_memory.tree_memory(os.getpid()) > memory


def test_sampler_follows_a_process(grandchild):
    sampler = process_memory.MemorySampler(grandchild.pid, interval=0.02)
    sampler.start()
    while len(sampler.samples) < 3:
        sampler.join(0.01)
    sampler.stop()
    times = [time for time, _ in sampler.samples]
    assert times == sorted(times)
    assert all(memory > 80 * MEGABYTE for _, memory in sampler.samples)


def test_a_process_that_is_gone_holds_nothing():
    process = subprocess.Popen([sys.executable, '-c', ''])
    process.wait()
    assert process_memory.tree_memory(process.pid) == 0
