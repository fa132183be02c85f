"""Necks that MMDetection lacks; most mix the frames of a clip."""

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
