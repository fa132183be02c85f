"""Backbones that MMDetection lacks."""

from mmvis.models.backbones.efficientnet_lite import EfficientNetLite
from mmvis.models.backbones.msgshift import MsgShifT
from mmvis.models.backbones.vision_transformer import VisionTransformer

__all__ = ['EfficientNetLite', 'MsgShifT', 'VisionTransformer']
