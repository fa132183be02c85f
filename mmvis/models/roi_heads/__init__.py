"""Heads that read the features within boxes, of all frames of a clip."""

from mmvis.models.roi_heads.clip_dii_head import ClipDIIHead
from mmvis.models.roi_heads.sorted_roi_extractor import SortedRoIExtractor
from mmvis.models.roi_heads.stage_output import StageOutput
from mmvis.models.roi_heads.stqi_head import STQIHead

__all__ = ['ClipDIIHead', 'STQIHead', 'SortedRoIExtractor', 'StageOutput']
