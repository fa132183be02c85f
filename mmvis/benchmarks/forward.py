"""Part `forward`: a model on one clip."""

from __future__ import annotations

from argparse import Namespace
from contextlib import AbstractContextManager

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from mmvis.benchmarks.models import build_model, random_clip
from mmvis.benchmarks.protocol import Workload
from mmvis.models.vis import ClipVISModel

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
    # The operators of the fast mode are not known to the counter.
    facts = {} if options.fast else {'G multiply-adds': _multiply_adds(model, clip)}
    return [Workload(name, run, clip_len, facts=facts)]


@torch.enable_grad()  # without gradients, oneDNN has operators that are not known
def _multiply_adds(model: ClipVISModel, clip: Tensor) -> float:
    with FlopCounterMode(display=False) as counter:
        model(clip)
    # The counter counts multiplications and additions apart.
    return counter.get_total_flops() / 2e9


def autocast(options: Namespace) -> AbstractContextManager:
    """Mixed precision with ``--amp``: float16 on a GPU, bfloat16 on a CPU."""
    kind = torch.device(options.device).type
    dtype = torch.float16 if kind == 'cuda' else torch.bfloat16
    return torch.autocast(kind, dtype, enabled=options.amp)
