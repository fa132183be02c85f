"""Part `attention`: memory-efficient against plain attention."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from mmvis import memory_limits
from mmvis.benchmarks.forward import autocast
from mmvis.benchmarks.models import (
    annotated_samples,
    build_model,
    clip_options,
    random_clip,
    read_cfg,
)
from mmvis.benchmarks.protocol import Workload
from mmvis.benchmarks.training import total_loss

__all__ = ['workloads']


def workloads(options: Namespace) -> list[Workload]:
    """A forward pass and gradients of one clip with both, on the same weights.

    Raises:
        RuntimeError: If the two compute different numbers; with dropout, gradients
            are not compared.
    """
    cfg = read_cfg(options)
    added = clip_options(cfg, options.clip_len or cfg.model.head.get('clip_len', 5))
    for part in ('backbone', 'neck', 'head'):
        added[f'model.{part}.with_cp'] = options.recompute
    if options.dropout is not None:
        for part in ('neck', 'head.decoder'):
            added[f'model.{part}.layer.dropout'] = options.dropout
    options.cfg_options = (options.cfg_options or {}) | added
    model, clip_len = build_model(options)
    size = tuple(options.size)
    clip = random_clip(clip_len, size, options.device)
    num_classes = model.cfg.model.head.num_classes
    samples = annotated_samples(clip_len, size, options.objects, num_classes)

    def forward() -> float:
        model.eval()
        with torch.no_grad(), autocast(options):
            return model(clip)['mask_logits'].double().abs().mean().item()

    def train() -> float:
        model.train()
        model.zero_grad()
        torch.manual_seed(2)
        with autocast(options):
            loss = total_loss(model, clip, samples)
        loss.backward()
        norms = [p.grad.norm() for p in model.parameters() if p.grad is not None]
        return loss.item() + torch.stack(norms).norm().item()

    steps = dict(forward=forward, training=train)
    is_random = options.dropout != 0 or options.amp
    return [
        workload
        for name in options.steps
        for workload in _both(
            name, steps[name], clip_len, name == 'training' and is_random
        )
    ]


def _both(
    name: str, step: Callable[[], float], clip_len: int, is_random: bool
) -> list[Workload]:
    results: dict[str, float] = {}

    def run(kind: str) -> dict[str, float]:
        with _attention(kind):
            results[kind] = step()
        values = list(results.values())
        difference = max(values) - min(values)
        if difference > 1e-3 * abs(values[0]) and not is_random:
            raise RuntimeError(
                f'{name}: the two kinds of attention do not compute the same: {results}'
            )
        return dict(result=results[kind])

    return [
        Workload(f'{name}, {kind}', partial(run, kind), clip_len)
        for kind in ('efficient', 'plain')
    ]


@contextmanager
def _attention(kind: str) -> Iterator[None]:
    """Plain attention stores the weights of all pairs of cells."""
    if kind == 'efficient':
        yield
        return
    limit = memory_limits.ATTENTION_WEIGHTS_AT_ONCE
    memory_limits.ATTENTION_WEIGHTS_AT_ONCE = sys.maxsize
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        memory_limits.ATTENTION_WEIGHTS_AT_ONCE = limit
