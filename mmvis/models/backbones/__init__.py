"""Backbones that MMDetection lacks."""

from mmvis.models.backbones.efficientnet_lite import EfficientNetLite
from mmvis.models.backbones.msgshift import MsgShifT

__all__ = ['EfficientNetLite', 'MsgShifT']
