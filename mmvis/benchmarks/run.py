"""Running of one part in its settings."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module

import torch

from mmvis.benchmarks.protocol import Workload, describe_machine, measure
from mmvis.benchmarks.report import Report
from mmvis.commands.benchmark import PARTS

__all__ = ['run_part']


def run_part(
    name: str, settings: Sequence[tuple[str, Namespace]], *, words: Sequence[str]
) -> Report:
    """Measure a part in all settings, in turn, in this process.

    Args:
        name (str): The part, see :data:`mmvis.commands.benchmark.PARTS`.
        settings (Sequence[tuple[str, Namespace]]): Label and options of each.
        words (Sequence[str]): The command line behind it.

    Returns:
        Report: Rows in the order of the workloads, settings beside each other.
    """
    first = settings[0][1]
    torch.set_num_threads(first.threads)
    build = import_module(f'mmvis.benchmarks.{PARTS[name].module}').workloads
    built = []
    for label, options in settings:
        workloads = build(options)
        if len(settings) > 1:
            workloads = [_labelled(workload, label) for workload in workloads]
        built.append(workloads)
    in_turn = [workload for group in zip(*built, strict=True) for workload in group]
    measurements = measure(in_turn, first.repeats, first.device)
    return Report(name, words, describe_machine(first.device), measurements)


def _labelled(workload: Workload, label: str) -> Workload:
    point = workload.point and replace(workload.point, series=label)
    return replace(workload, name=f'{workload.name}: {label}', point=point)
