"""Hooks, loops, optimizers and schedules that MMEngine lacks, and tools."""

from mmvis.engine import hooks, loops, optimizers, schedulers

__all__ = ['hooks', 'loops', 'optimizers', 'schedulers']
