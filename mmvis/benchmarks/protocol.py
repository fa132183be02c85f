"""How everything is measured: workloads in turn, repeated, with their spread."""

from __future__ import annotations

import gc
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import torch

from mmvis.benchmarks.peak_memory import PeakMemory
from mmvis.processor import describe_processor

__all__ = [
    'PROTOCOL',
    'Measurement',
    'Point',
    'Workload',
    'describe_machine',
    'measure',
]

PROTOCOL = (
    'All workloads of a table are built first and run in one process: once each to '
    'warm up, then in turn, as often as the table says, so that what else the machine '
    'does touches all alike. A figure is the median of the repetitions, with the '
    'lowest and the highest in brackets. CPU seconds add up all threads and ended '
    'child processes; on a machine with other work they are the figure to compare. '
    'Wall seconds end when the GPU, if any, has finished. Memory is the peak of one '
    'repetition above what was held when it began: allocated on a GPU, else resident. '
    'Weights are random unless a checkpoint is given.'
)


@dataclass(frozen=True)
class Point:
    """Where a workload lies in a series in which one thing grows.

    Attributes:
        axis (str): What grows.
        value (float): Its size.
        series (str): Which of several settings it is. Defaults to the only one.
    """

    axis: str
    value: float
    series: str = ''


@dataclass(frozen=True)
class Workload:
    """Something to measure.

    Attributes:
        name (str): What its row is called.
        run (Callable): One repetition; may return further figures by name.
        num_items (int): Frames, or whatever ``unit`` says, that it processes.
        unit (str): What is counted. Defaults to 'frame'.
        facts (Mapping[str, float]): Figures that do not depend on time.
        is_once (bool): Run once, without a warm-up. Defaults to False.
        point (Point | None): Its place in a series. Defaults to none.
        curves (dict[str, list[float]]): What the last repetition observed as it went
            on, by name, for example of each frame; the first one is the horizontal
            axis. Defaults to none.
    """

    name: str
    run: Callable[[], Mapping[str, float] | None]
    num_items: int
    unit: str = 'frame'
    facts: Mapping[str, float] = field(default_factory=dict)
    is_once: bool = False
    point: Point | None = None
    curves: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Measurement:
    """What was measured of one workload.

    Attributes:
        workload (Workload): What ran.
        figures (dict[str, list[float]]): By name a value of each repetition: 'wall'
            and 'cpu' in seconds, 'memory' in MB where the system tells it, and what
            the workload returned.
    """

    workload: Workload
    figures: dict[str, list[float]]

    def median(self, name: str) -> float:
        """Median of a figure over the repetitions."""
        return statistics.median(self.figures[name])

    def to_dict(self) -> dict:
        """All values, and their medians, for a json file."""
        workload = self.workload
        return dict(
            name=workload.name,
            num_items=workload.num_items,
            unit=workload.unit,
            facts=dict(workload.facts),
            point=workload.point and asdict(workload.point),
            curves=workload.curves,
            medians={name: self.median(name) for name in self.figures},
            figures=self.figures,
        )


def measure(
    workloads: Sequence[Workload], repeats: int, device: str = 'cpu'
) -> list[Measurement]:
    """Measure workloads in turn, see :data:`PROTOCOL`.

    Args:
        workloads (Sequence[Workload]): In the order of their turns.
        repeats (int): Repetitions, besides the one to warm up.
        device (str): Where they run. Defaults to 'cpu'.

    Returns:
        list[Measurement]: One for each workload.
    """
    found: list[dict[str, list[float]]] = [{} for _ in workloads]
    for workload in workloads:
        if not workload.is_once:
            workload.run()
    gc.collect()
    gc.freeze()  # so that each repetition only looks for garbage of its own
    try:
        for turn in range(repeats):
            for workload, figures in zip(workloads, found):
                if turn == 0 or not workload.is_once:
                    for name, value in _repetition(workload, device).items():
                        figures.setdefault(name, []).append(float(value))
    finally:
        gc.unfreeze()
    return [Measurement(*pair) for pair in zip(workloads, found)]


def _repetition(workload: Workload, device: str) -> dict[str, float]:
    gc.collect()
    memory = PeakMemory(device)
    begin, cpu_begin = time.perf_counter(), _cpu_seconds()
    others = workload.run()
    if device.startswith('cuda'):
        torch.cuda.synchronize(device)
    figures = dict(
        wall=time.perf_counter() - begin,
        cpu=_cpu_seconds() - cpu_begin,
    )
    peak = memory.above_start()
    return figures | ({} if peak is None else dict(memory=peak)) | dict(others or {})


def _cpu_seconds() -> float:
    """CPU time of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def describe_machine(device: str = 'cpu') -> dict[str, str | int]:
    """What figures depend on: processor, memory, GPU, versions.

    Args:
        device (str): Where workloads run. Defaults to 'cpu'.

    Returns:
        dict: Texts and numbers by name.
    """
    machine: dict[str, str | int] = dict(
        processor=describe_processor('model name') or platform.machine(),
        cores=os.cpu_count() or 1,
        threads=torch.get_num_threads(),
        memory_gb=round(
            os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30
        ),
        system=platform.system(),
        python=platform.python_version(),
        torch=torch.__version__,
    )
    if device.startswith('cuda'):
        gpu = torch.cuda.get_device_properties(device)
        machine |= dict(
            gpu=gpu.name,
            gpu_memory_gb=round(gpu.total_memory / 2**30),
            cuda=str(torch.version.cuda),
        )
    return machine
