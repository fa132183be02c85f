"""Scoring functions without models, files or logging."""

from mmvis.evaluation.functional.params import (
    AREA_RANGES,
    IOU_THRS,
    MAX_DETS,
    RECALL_THRS,
)
from mmvis.evaluation.functional.scores import YTVISScores
from mmvis.evaluation.functional.track_iou import track_iou, track_ious
from mmvis.evaluation.functional.ytvis_eval import evaluate_ytvis

__all__ = [
    'AREA_RANGES',
    'IOU_THRS',
    'MAX_DETS',
    'RECALL_THRS',
    'YTVISScores',
    'evaluate_ytvis',
    'track_iou',
    'track_ious',
]
