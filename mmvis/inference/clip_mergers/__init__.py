"""Clip mergers, which link the predictions of clips to tracks."""

from mmvis.inference.clip_mergers.base_clip_merger import BaseClipMerger
from mmvis.inference.clip_mergers.ifc_clip_merger import IFCClipMerger
from mmvis.inference.clip_mergers.query_index_merger import QueryIndexMerger
from mmvis.inference.clip_mergers.soft_iou import soft_iou
from mmvis.inference.clip_mergers.track_clip_merger import TrackClipMerger

__all__ = [
    'BaseClipMerger',
    'IFCClipMerger',
    'QueryIndexMerger',
    'TrackClipMerger',
    'soft_iou',
]
