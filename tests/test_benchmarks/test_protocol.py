import time

import numpy as np
import pytest
import torch

from mmvis.benchmarks.peak_memory import PeakMemory
from mmvis.benchmarks.protocol import Workload, describe_machine, measure


def test_workloads_take_turns_after_a_warm_up():
    calls = []
    rows = [
        Workload('a', lambda: calls.append('a'), 2),
        Workload('b', lambda: calls.append('b'), 3),
        Workload('once', lambda: calls.append('once'), 1, is_once=True),
    ]
    found = measure(rows, repeats=2)
    assert calls == ['a', 'b', 'a', 'b', 'once', 'a', 'b']
    assert [len(m.figures['wall']) for m in found] == [2, 2, 1]


def test_waiting_takes_wall_time_and_work_takes_cpu_time():
    def work():
        end = time.process_time() + 0.05
        while time.process_time() < end:
            pass

    waiting, working = measure(
        [Workload('wait', lambda: time.sleep(0.05), 1), Workload('work', work, 1)], 3
    )
    assert waiting.median('wall') >= 0.05 > 0.04 > waiting.median('cpu')
    assert working.median('cpu') >= 0.05


def test_memory_is_that_of_each_repetition():
    sizes = iter([1, 60, 1])  # MB; the first one warms up

    def allocate():
        np.ones(next(sizes) * 2**20, np.uint8)

    (found,) = measure([Workload('allocate', allocate, 1)], repeats=2)
    if 'memory' not in found.figures:
        pytest.skip('the system does not tell')
    large, small = found.figures['memory']
    assert 55 < large < 75
    assert small < 10


def test_peak_memory_is_above_what_was_held():
    held = np.ones(40 * 2**20, np.uint8)
    memory = PeakMemory('cpu')
    if memory.above_start() is None:
        pytest.skip('the system does not tell')
    more = np.ones(30 * 2**20, np.uint8)
    assert 28 < memory.above_start() < 40
    assert len(held) > len(more)


def test_what_a_workload_returns_is_a_figure():
    values = iter([0, 1.0, 2.0, 6.0])
    (found,) = measure([Workload('x', lambda: dict(speed=next(values)), 1)], 3)
    assert found.figures['speed'] == [1, 2, 6]
    assert found.to_dict()['medians']['speed'] == 2


def test_the_machine_is_described():
    machine = describe_machine()
    assert machine['torch'] == torch.__version__
    assert machine['cores'] >= 1
    assert machine['processor']
