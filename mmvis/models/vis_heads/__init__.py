"""Heads that read all frames of a clip."""

from mmvis.models.vis_heads.clip_decoder import ClipDecoder
from mmvis.models.vis_heads.ifc_head import IFCHead
from mmvis.models.vis_heads.mask_feature_fusion import MaskFeatureFusion
from mmvis.models.vis_heads.semantic_head import SemanticHead

__all__ = ['ClipDecoder', 'IFCHead', 'MaskFeatureFusion', 'SemanticHead']
