"""Data structures of clips and videos."""

from mmvis.structures.clip_features import ClipFeatures
from mmvis.structures.clip_prediction import ClipPrediction
from mmvis.structures.roi_clip_prediction import AnyClipPrediction, RoIClipPrediction
from mmvis.structures.video_record import read_video_record, write_video_record

__all__ = [
    'AnyClipPrediction',
    'ClipFeatures',
    'ClipPrediction',
    'RoIClipPrediction',
    'read_video_record',
    'write_video_record',
]
