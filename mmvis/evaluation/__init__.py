"""Evaluation of video instance segmentation, and submissions to servers."""

from mmvis.evaluation.functional import evaluate_ytvis
from mmvis.evaluation.report import Report, make_report
from mmvis.evaluation.validation import validate_ground_truth, validate_results
from mmvis.lazy_exports import lazy_exports

__getattr__ = lazy_exports(  # these need torch
    __name__,
    {
        'submission': ['tracks_to_results', 'write_submission'],
        'vis_metric': ['VISMetric'],
    },
)

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
