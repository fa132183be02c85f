"""Part `training`: steps of a training."""

from __future__ import annotations

from argparse import Namespace

import torch
from mmengine.optim import build_optim_wrapper

from mmvis.benchmarks.forward import autocast
from mmvis.benchmarks.models import (
    annotated_samples,
    build_model,
    initialize,
    random_clip,
)
from mmvis.benchmarks.protocol import Workload
from mmvis.models.vis import ClipVISModel

__all__ = ['workloads']


def workloads(options: Namespace) -> list[Workload]:
    """One step: losses of a clip, gradients, update with the config's optimizer."""
    model, clip_len = build_model(options)
    if options.checkpoint is None:
        initialize(model)
    size = tuple(options.size)
    clip = random_clip(clip_len, size, options.device)
    num_classes = model.cfg.model.head.num_classes
    samples = annotated_samples(clip_len, size, options.objects, num_classes)
    optimizer = build_optim_wrapper(model.train(), model.cfg.optim_wrapper)

    def run() -> dict[str, float]:
        with autocast(options):
            loss = total_loss(model, clip, samples)
        optimizer.update_params(loss)
        return dict(loss=loss.item())

    name = f'step, T={clip_len}, {size[0]}x{size[1]}, {options.objects} objects'
    return [Workload(name, run, clip_len)]


def total_loss(model: ClipVISModel, clip: torch.Tensor, samples: list) -> torch.Tensor:
    """Sum of the losses of a clip."""
    losses = model(clip, samples, mode='loss')
    return model.parse_losses(losses)[0]
