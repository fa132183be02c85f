"""Losses over clips."""

from mmvis.models.losses.clip_mask_criterion import ClipMaskCriterion

__all__ = ['ClipMaskCriterion']
