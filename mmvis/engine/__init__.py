"""Hooks and loops that MMEngine lacks, and what the tools share."""

from mmvis.engine import hooks, loops

__all__ = ['hooks', 'loops']
