"""Converters of published checkpoints."""

from mmvis.converters.checkpoint_file import read_tensors
from mmvis.converters.dinov2 import convert_dinov2, is_dinov2
from mmvis.converters.ifc import convert_ifc, export_ifc, num_classes_of
from mmvis.converters.tevit import (
    convert_pvt_v2,
    convert_tevit,
    export_tevit,
    is_microsoft_swin,
    is_pvt_v2,
    pvt_v2_sizes_of,
    tevit_sizes_of,
)
from mmvis.converters.videomt import (
    convert_videomt,
    export_videomt,
    videomt_sizes_of,
)
from mmvis.converters.vistr import (
    convert_detr,
    convert_vistr,
    export_vistr,
    vistr_shape_of,
)

__all__ = [
    'convert_detr',
    'convert_dinov2',
    'convert_ifc',
    'convert_pvt_v2',
    'convert_tevit',
    'convert_videomt',
    'convert_vistr',
    'export_ifc',
    'export_tevit',
    'export_videomt',
    'export_vistr',
    'is_dinov2',
    'is_microsoft_swin',
    'is_pvt_v2',
    'num_classes_of',
    'pvt_v2_sizes_of',
    'read_tensors',
    'tevit_sizes_of',
    'videomt_sizes_of',
    'vistr_shape_of',
]
