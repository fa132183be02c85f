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
from mmvis.datasets.transforms.loading import LoadClipAnnotations, LoadFrameFromFile
from mmvis.datasets.transforms.packing import PackClipInputs

__all__ = [
    'BaseSampleClip',
    'LoadClipAnnotations',
    'LoadFrameFromFile',
    'PackClipInputs',
    'RandomClipCrop',
    'SampleAllFrames',
    'SampleConsecutiveClip',
    'SampleKeyFrameClip',
    'SampleReferenceClip',
    'SampleUniformClip',
]
