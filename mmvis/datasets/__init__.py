"""Data sets, their transforms and samplers."""

from mmvis.datasets import samplers, transforms
from mmvis.datasets.base_clip_dataset import BaseClipDataset
from mmvis.datasets.categories import DATASET_CLASSES
from mmvis.datasets.youtube_vis import YouTubeVISDataset

__all__ = [
    'DATASET_CLASSES',
    'BaseClipDataset',
    'YouTubeVISDataset',
    'samplers',
    'transforms',
]
