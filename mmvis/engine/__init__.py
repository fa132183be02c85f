"""Hooks, loops, optimizers and schedules that MMEngine lacks, and what tools share."""

from mmvis.engine import hooks, loops, optimizers, schedulers
from mmvis.engine.checkpoint_schemes import use_safe_checkpoint_files

use_safe_checkpoint_files()

__all__ = ['hooks', 'loops', 'optimizers', 'schedulers']
