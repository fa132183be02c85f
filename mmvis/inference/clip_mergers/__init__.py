"""Mergers that link the predictions of clips into tracks."""

from mmvis.models.trackers.base_clip_merger import BaseClipMerger, FinalFrame
from mmvis.models.trackers.ifc_clip_merger import IFCClipMerger
from mmvis.models.trackers.single_clip_merger import SingleClipMerger
from mmvis.models.trackers.soft_iou import soft_iou
from mmvis.models.trackers.track_clip_merger import TrackClipMerger

__all__ = [
    'BaseClipMerger',
    'FinalFrame',
    'IFCClipMerger',
    'SingleClipMerger',
    'TrackClipMerger',
    'soft_iou',
]
