"""Heads that read all frames of a clip."""

from mmvis.models.vis_heads.box_attention import BoxAttention
from mmvis.models.vis_heads.clip_decoder import ClipDecoder
from mmvis.models.vis_heads.crop_masks import crop_masks
from mmvis.models.vis_heads.deformable_mask_head import DeformableMaskHead
from mmvis.models.vis_heads.ifc_head import IFCHead
from mmvis.models.vis_heads.mask_feature_fusion import MaskFeatureFusion
from mmvis.models.vis_heads.mask_upscaler import MaskUpscaler
from mmvis.models.vis_heads.sequence_mask_head import SequenceMaskHead
from mmvis.models.vis_heads.sequence_votes import vote_classes
from mmvis.models.vis_heads.videomt_head import VidEoMTHead
from mmvis.models.vis_heads.vistr_head import VisTRHead

__all__ = [
    'BoxAttention',
    'ClipDecoder',
    'DeformableMaskHead',
    'IFCHead',
    'MaskFeatureFusion',
    'MaskUpscaler',
    'SequenceMaskHead',
    'VidEoMTHead',
    'VisTRHead',
    'crop_masks',
    'vote_classes',
]
