"""Data sets, their transforms and samplers."""

from mmvis.stack import import_mmdet_datasets

# Imported first: configs name MMDetection's transforms and samplers, too.
import_mmdet_datasets()

from mmvis.datasets import samplers, transforms
from mmvis.datasets.base_clip_dataset import BaseClipDataset
from mmvis.datasets.categories import DATASET_CLASSES
from mmvis.datasets.class_map import ClassMap
from mmvis.datasets.coco_classes import COCO_CLASS_MAPS
from mmvis.datasets.coco_clip import CocoClipDataset
from mmvis.datasets.concat_clips import ConcatDataset
from mmvis.datasets.mixed_clips import MixedClipDataset
from mmvis.datasets.youtube_vis import YouTubeVISDataset

__all__ = [
    'COCO_CLASS_MAPS',
    'DATASET_CLASSES',
    'BaseClipDataset',
    'ClassMap',
    'CocoClipDataset',
    'ConcatDataset',
    'MixedClipDataset',
    'YouTubeVISDataset',
    'samplers',
    'transforms',
]
