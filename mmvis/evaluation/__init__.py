"""Evaluation of video instance segmentation, and submissions to servers."""

from mmvis.evaluation.functional import evaluate_ytvis
from mmvis.evaluation.report import Report, make_report
from mmvis.evaluation.submission import tracks_to_results, write_submission
from mmvis.evaluation.validation import validate_ground_truth, validate_results
from mmvis.evaluation.vis_metric import VISMetric

__all__ = [
    'Report',
    'VISMetric',
    'evaluate_ytvis',
    'make_report',
    'tracks_to_results',
    'validate_ground_truth',
    'validate_results',
    'write_submission',
]
