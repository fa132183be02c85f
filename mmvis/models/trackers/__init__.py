"""Mergers that link the predictions of clips into tracks."""

from mmvis.models.trackers.base_clip_merger import BaseClipMerger, FinalFrame
from mmvis.models.trackers.ifc_clip_merger import IFCClipMerger
from mmvis.models.trackers.soft_iou import soft_iou

__all__ = ['BaseClipMerger', 'FinalFrame', 'IFCClipMerger', 'soft_iou']
