"""Models and their parts."""

from mmvis.models import (
    backbones,
    from_scratch,
    losses,
    necks,
    roi_heads,
    task_modules,
    vis,
    vis_heads,
)

__all__ = [
    'backbones',
    'from_scratch',
    'losses',
    'necks',
    'roi_heads',
    'task_modules',
    'vis',
    'vis_heads',
]
