"""Data structures of clips and videos."""

from mmvis.structures.clip_features import ClipFeatures
from mmvis.structures.clip_prediction import ClipPrediction
from mmvis.structures.frame_masks import EncodedMask, FrameMasks
from mmvis.structures.roi_clip_prediction import AnyClipPrediction, RoIClipPrediction
from mmvis.structures.roi_frame_masks import AnyFrameMasks, RoIFrameMasks
from mmvis.structures.video_record import read_video_record, write_video_record

__all__ = [
    'AnyClipPrediction',
    'AnyFrameMasks',
    'ClipFeatures',
    'ClipPrediction',
    'EncodedMask',
    'FrameMasks',
    'RoIClipPrediction',
    'RoIFrameMasks',
    'read_video_record',
    'write_video_record',
]
