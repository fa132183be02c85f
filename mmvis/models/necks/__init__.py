"""Necks that MMDetection lacks: most let the frames of a clip meet."""

from mmvis.models.necks.memory_token_neck import MemoryTokenNeck
from mmvis.models.necks.messenger_token_neck import MessengerTokenNeck
from mmvis.models.necks.simple_feature_pyramid import SimpleFeaturePyramid
from mmvis.models.necks.space_time_encoder_neck import SpaceTimeEncoderNeck

__all__ = [
    'MemoryTokenNeck',
    'MessengerTokenNeck',
    'SimpleFeaturePyramid',
    'SpaceTimeEncoderNeck',
]
