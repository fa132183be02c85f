"""Part `forward`: a model on one clip."""

from __future__ import annotations

from argparse import Namespace
from contextlib import AbstractContextManager

import torch

from mmvis.benchmarks.models import build_model, random_clip
from mmvis.benchmarks.multiply_adds import count_multiply_adds
from mmvis.benchmarks.protocol import Workload

__all__ = ['autocast', 'workloads']


def workloads(options: Namespace) -> list[Workload]:
    """One forward pass, to the raw outputs of the last layer."""
    model, clip_len = build_model(options)
    model.requires_grad_(False)
    size = tuple(options.size)
    clip = random_clip(clip_len, size, options.device)

    @torch.no_grad()
    def run() -> None:
        with autocast(options):
            model(clip)

    name = f'forward, T={clip_len}, {size[0]}x{size[1]}'
    facts = {}
    if not options.fast:
        facts['G multiply-adds'] = count_multiply_adds(model, clip)[''] / 1e9
    return [Workload(name, run, clip_len, facts=facts)]


def autocast(options: Namespace) -> AbstractContextManager:
    """Mixed precision with ``--amp``: float16 on a GPU, bfloat16 on a CPU."""
    kind = torch.device(options.device).type
    dtype = torch.float16 if kind == 'cuda' else torch.bfloat16
    return torch.autocast(kind, dtype, enabled=options.amp)
