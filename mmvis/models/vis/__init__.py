"""Methods: compositions of the parts."""

from mmvis.models.vis.base import ClipVISModel
from mmvis.models.vis.fast_mode import fast_dtype, make_fast
from mmvis.models.vis.ifc import IFC
from mmvis.models.vis.part_checks import check_channels
from mmvis.models.vis.tevit import TeViT
from mmvis.models.vis.videomt import VidEoMT
from mmvis.models.vis.vistr import VisTR

__all__ = [
    'IFC',
    'ClipVISModel',
    'TeViT',
    'VidEoMT',
    'VisTR',
    'check_channels',
    'fast_dtype',
    'make_fast',
]
