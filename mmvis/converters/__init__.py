"""Converters of published checkpoints."""

from mmvis.lazy_exports import lazy_exports

_MODULES = {
    'checkpoint_file': ['read_tensors'],
    'convert_file': ['initial_weights', 'load_model_cfg'],
    'dinov2': ['convert_dinov2', 'is_dinov2'],
    'ifc': ['convert_ifc', 'export_ifc', 'num_classes_of'],
    'tevit': [
        'convert_pvt_v2',
        'convert_tevit',
        'export_tevit',
        'is_microsoft_swin',
        'is_pvt_v2',
        'pvt_v2_sizes_of',
        'tevit_sizes_of',
    ],
    'videomt': ['convert_videomt', 'export_videomt', 'videomt_sizes_of'],
    'vistr': ['convert_detr', 'convert_vistr', 'export_vistr', 'vistr_shape_of'],
}
__getattr__ = lazy_exports(__name__, _MODULES)  # all of them need torch
__all__ = sorted(name for names in _MODULES.values() for name in names)
