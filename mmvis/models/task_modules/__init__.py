"""Targets, match costs and assigners of clips."""

from mmvis.models.task_modules.clip_hungarian_assigner import ClipHungarianAssigner
from mmvis.models.task_modules.clip_targets import clip_targets
from mmvis.models.task_modules.first_frame_assigner import FirstFrameAssigner
from mmvis.models.task_modules.frame_mean_cost import FrameMeanCost

__all__ = [
    'ClipHungarianAssigner',
    'FirstFrameAssigner',
    'FrameMeanCost',
    'clip_targets',
]
