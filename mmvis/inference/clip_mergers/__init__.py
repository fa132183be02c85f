"""Mergers that link the predictions of clips into tracks."""

from mmvis.inference.clip_mergers.base_clip_merger import BaseClipMerger, FinalFrame
from mmvis.inference.clip_mergers.ifc_clip_merger import IFCClipMerger
from mmvis.inference.clip_mergers.single_clip_merger import SingleClipMerger
from mmvis.inference.clip_mergers.soft_iou import soft_iou
from mmvis.inference.clip_mergers.track_clip_merger import TrackClipMerger

__all__ = [
    'BaseClipMerger',
    'FinalFrame',
    'IFCClipMerger',
    'SingleClipMerger',
    'TrackClipMerger',
    'soft_iou',
]
