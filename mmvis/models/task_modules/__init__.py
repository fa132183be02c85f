"""Targets, match costs and assigners of clips."""

from mmvis.models.task_modules.clip_hungarian_assigner import ClipHungarianAssigner
from mmvis.models.task_modules.clip_targets import clip_targets

__all__ = ['ClipHungarianAssigner', 'clip_targets']
