"""Backbones that MMDetection lacks."""

from mmvis.models.backbones.msgshift import MsgShifT

__all__ = ['MsgShifT']
