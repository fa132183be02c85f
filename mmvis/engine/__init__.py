"""Hooks and loops that MMEngine lacks, and what the tools share."""

from mmvis.engine import hooks, loops
from mmvis.engine.checkpoint_schemes import use_safe_checkpoint_files

use_safe_checkpoint_files()

__all__ = ['hooks', 'loops']
