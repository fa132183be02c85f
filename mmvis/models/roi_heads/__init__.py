"""Heads that look into boxes, of all frames of a clip."""

from mmvis.models.roi_heads.clip_dii_head import ClipDIIHead
from mmvis.models.roi_heads.grid_rpn_head import GridRPNHead
from mmvis.models.roi_heads.stage_output import StageOutput
from mmvis.models.roi_heads.stqi_head import STQIHead

__all__ = ['ClipDIIHead', 'GridRPNHead', 'STQIHead', 'StageOutput']
