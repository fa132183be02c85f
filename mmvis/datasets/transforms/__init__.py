"""Transforms of clips."""

from mmvis.datasets.transforms.clip_crop import RandomClipCrop
from mmvis.datasets.transforms.clip_sampling import (
    BaseSampleClip,
    SampleAllFrames,
    SampleConsecutiveClip,
    SampleKeyFrameClip,
    SampleReferenceClip,
    SampleUniformClip,
)
from mmvis.datasets.transforms.copy_paste import CopyPasteClip
from mmvis.datasets.transforms.loading import LoadClipAnnotations, LoadFrameFromFile
from mmvis.datasets.transforms.packing import PackClipInputs
from mmvis.datasets.transforms.pseudo_clip import MakePseudoClip
from mmvis.datasets.transforms.resize import Resize

__all__ = [
    'BaseSampleClip',
    'CopyPasteClip',
    'LoadClipAnnotations',
    'LoadFrameFromFile',
    'MakePseudoClip',
    'PackClipInputs',
    'RandomClipCrop',
    'Resize',
    'SampleAllFrames',
    'SampleConsecutiveClip',
    'SampleKeyFrameClip',
    'SampleReferenceClip',
    'SampleUniformClip',
]
