"""Models, and the parts they are composed of."""

from mmvis.models import losses, necks, task_modules, trackers, vis, vis_heads

__all__ = ['losses', 'necks', 'task_modules', 'trackers', 'vis', 'vis_heads']
