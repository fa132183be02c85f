"""Data structures of clips and videos."""

from mmvis.structures.clip_features import ClipFeatures
from mmvis.structures.clip_prediction import ClipPrediction

__all__ = ['ClipFeatures', 'ClipPrediction']
