"""Freed memory, in processes of their own: settings of malloc stay for good."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from mmvis.allocator import _VARIABLES

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != 'glibc', reason='of the GNU C library'
)

CONFIG = Path(__file__).parents[1] / 'configs/ifc_small_shapes.py'
# Page faults of the fourth round of five tensors of 20 MB, and pages that are still in
# use after it.
SCRIPT = """
import ctypes, resource, torch
from mmvis.allocator import keep_freed_memory, return_freed_memory

ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)  # no huge pages, which need few faults
pages = resource.getpagesize() // 4096  # of 4 kB, in one of this machine

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def resident():
    return int(open('/proc/self/statm').read().split()[1])

before = resident()
{first}
for _ in range(4):
    begin = faults()
    tensors = [torch.ones(5_000_000) for _ in range(5)]
    del tensors
{last}
print((faults() - begin) * pages, (resident() - before) * pages)
"""


def run(first, last='', **variables):
    kept = {k: v for k, v in os.environ.items() if k not in _VARIABLES}
    output = subprocess.run(
        [sys.executable, '-c', SCRIPT.format(first=first, last=last)],
        env={**kept, 'OMP_NUM_THREADS': '1', **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return map(int, output.stdout.split())


def test_freed_memory_is_used_again():
    faults, kept = run('keep_freed_memory()')
    assert faults < 10_000
    assert kept > 20_000  # of 4 kB


def test_variables_of_the_user_win():
    faults, kept = run('keep_freed_memory()', MALLOC_TRIM_THRESHOLD_='131072')
    assert faults > 15_000
    assert kept < 10_000


def test_freed_memory_can_be_returned():
    _, kept = run('keep_freed_memory()', 'return_freed_memory()')
    assert kept < 10_000


def test_a_model_keeps_freed_memory():
    faults, _ = run(
        f'from mmvis.apis import init_model; init_model({str(CONFIG)!r}, device="cpu")',
        'assert keep_freed_memory.cache_info().currsize == 1',
    )
    assert faults < 10_000
