"""Data structures of clips and videos."""

from mmvis.lazy_exports import lazy_exports

_MODULES = {
    'clip_features': ['ClipFeatures'],
    'clip_prediction': ['ClipPrediction'],
    'frame_masks': ['EncodedMask', 'FrameMasks', 'PackedMask'],
    'roi_clip_prediction': ['AnyClipPrediction', 'RoIClipPrediction'],
    'roi_frame_masks': ['AnyFrameMasks', 'RoIFrameMasks'],
    'video_record': ['read_video_record', 'write_video_record'],
}
__getattr__ = lazy_exports(__name__, _MODULES)  # most of them need torch
__all__ = sorted(name for names in _MODULES.values() for name in names)
