from mmvis.evaluation.functional import evaluate_ytvis as evaluate_ytvis
from mmvis.evaluation.report import Report as Report
from mmvis.evaluation.report import make_report as make_report
from mmvis.evaluation.submission import tracks_to_results as tracks_to_results
from mmvis.evaluation.submission import write_submission as write_submission
from mmvis.evaluation.validation import validate_ground_truth as validate_ground_truth
from mmvis.evaluation.validation import validate_results as validate_results
from mmvis.evaluation.vis_metric import VISMetric as VISMetric
