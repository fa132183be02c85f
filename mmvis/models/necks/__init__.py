"""Necks that mix the frames of a clip."""

from mmvis.models.necks.memory_token_neck import MemoryTokenNeck

__all__ = ['MemoryTokenNeck']
