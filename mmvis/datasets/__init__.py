"""Data sets, their transforms and samplers."""

import contextlib
import io

# MMEngine finds a parent registry's components only where they were imported:
# configs name MMDetection's transforms and samplers beside those of mmvis. OneDL's
# MMDetection prints twice that an optional package, of no use here, is absent.
with contextlib.redirect_stdout(io.StringIO()):
    import mmdet.datasets  # noqa: F401

from mmvis.datasets import samplers, transforms
from mmvis.datasets.base_clip_dataset import BaseClipDataset
from mmvis.datasets.categories import DATASET_CLASSES
from mmvis.datasets.coco_classes import COCO_CLASS_MAPS
from mmvis.datasets.coco_clip import CocoClipDataset
from mmvis.datasets.mixed_clips import MixedClipDataset
from mmvis.datasets.youtube_vis import YouTubeVISDataset

__all__ = [
    'COCO_CLASS_MAPS',
    'DATASET_CLASSES',
    'BaseClipDataset',
    'CocoClipDataset',
    'MixedClipDataset',
    'YouTubeVISDataset',
    'samplers',
    'transforms',
]
