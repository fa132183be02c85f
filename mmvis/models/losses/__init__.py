"""Losses over clips."""

from mmvis.models.losses.clip_mask_criterion import ClipMaskCriterion
from mmvis.models.losses.clip_roi_criterion import ClipRoICriterion
from mmvis.models.losses.instance_sequence_criterion import InstanceSequenceCriterion

__all__ = ['ClipMaskCriterion', 'ClipRoICriterion', 'InstanceSequenceCriterion']
