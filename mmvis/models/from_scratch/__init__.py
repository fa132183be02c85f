"""Parts of small models that are trained from scratch.

Each is a subclass or a separate part: the published classes have none of its
arguments.
"""

from mmvis.models.from_scratch.dii_head import FromScratchDIIHead
from mmvis.models.from_scratch.grid_clip_decoder import GridClipDecoder
from mmvis.models.from_scratch.grid_rpn_head import GridRPNHead
from mmvis.models.from_scratch.ifc_head import FromScratchIFCHead
from mmvis.models.from_scratch.necks import (
    FromScratchMemoryTokenNeck,
    FromScratchMessengerTokenNeck,
    FromScratchSpaceTimeEncoderNeck,
)
from mmvis.models.from_scratch.query_window import QueryWindow
from mmvis.models.from_scratch.semantic_head import SemanticHead
from mmvis.models.from_scratch.stqi_head import FromScratchSTQIHead
from mmvis.models.from_scratch.videomt_head import FromScratchVidEoMTHead
from mmvis.models.from_scratch.vis_model import FromScratchVISModel
from mmvis.models.from_scratch.vision_transformer import FromScratchVisionTransformer
from mmvis.models.from_scratch.vistr_head import FromScratchVisTRHead

__all__ = [
    'FromScratchDIIHead',
    'FromScratchIFCHead',
    'FromScratchMemoryTokenNeck',
    'FromScratchMessengerTokenNeck',
    'FromScratchSTQIHead',
    'FromScratchSpaceTimeEncoderNeck',
    'FromScratchVISModel',
    'FromScratchVidEoMTHead',
    'FromScratchVisTRHead',
    'FromScratchVisionTransformer',
    'GridClipDecoder',
    'GridRPNHead',
    'QueryWindow',
    'SemanticHead',
]
