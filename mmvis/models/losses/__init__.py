"""Losses over clips."""

from mmvis.models.losses.clip_mask_criterion import ClipMaskCriterion
from mmvis.models.losses.clip_roi_criterion import ClipRoICriterion
from mmvis.models.losses.frame_mask_criterion import FrameMaskCriterion
from mmvis.models.losses.instance_sequence_criterion import InstanceSequenceCriterion
from mmvis.models.losses.mask_comparison import DenseMasks, PointMasks
from mmvis.models.losses.mask_set_criterion import MaskSetCriterion
from mmvis.models.losses.set_criterion import SetCriterion

__all__ = [
    'ClipMaskCriterion',
    'ClipRoICriterion',
    'DenseMasks',
    'FrameMaskCriterion',
    'InstanceSequenceCriterion',
    'MaskSetCriterion',
    'PointMasks',
    'SetCriterion',
]
