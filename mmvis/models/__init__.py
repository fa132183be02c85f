"""Models, and the parts they are composed of."""

from mmvis.models import (
    backbones,
    losses,
    necks,
    roi_heads,
    task_modules,
    vis,
    vis_heads,
)

__all__ = [
    'backbones',
    'losses',
    'necks',
    'roi_heads',
    'task_modules',
    'vis',
    'vis_heads',
]
