"""YouTube-VIS average precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmvis.evaluation.functional.accumulate import accumulate
from mmvis.evaluation.functional.matching import match_tracks
from mmvis.evaluation.functional.pairs import find_pairs
from mmvis.evaluation.functional.params import MAX_DETS
from mmvis.evaluation.functional.scores import YTVISScores
from mmvis.evaluation.functional.tracks import (
    index_ground_truth,
    index_results,
)
from mmvis.structures.json_entries import garbage_collection_paused

__all__ = ['evaluate_ytvis']


@garbage_collection_paused()
def evaluate_ytvis(
    gt: Mapping,
    results: Sequence[Mapping],
    use_cats: bool = True,
    num_jobs: int = 1,
) -> YTVISScores:
    """Score a results file against a ground-truth json of YouTube-VIS.

    Gives the numbers of the official evaluator (YTVOSeval, youtubevos/cocoapi), also
    for invalid input that it accepts; :mod:`mmvis.evaluation.validation` checks for
    that. What makes it fast: masks are decoded once, many at a time; pairs of tracks
    that cannot reach the lowest threshold are left out, and the intersections of the
    others come from one interpolation per ground-truth track; matching runs over all
    videos at once.

    Args:
        gt (Mapping): The parsed ground truth: videos, categories, annotations.
        results (Sequence[Mapping]): The parsed results. Neither is modified.
        use_cats (bool): Whether categories count apart. Defaults to True.
        num_jobs (int): Processes that share the comparison of masks, for the same
            numbers. Defaults to 1, this one.

    Returns:
        YTVISScores: Precision, recall and the numbers made of them.

    Raises:
        ValueError: If a result is of a video that ``gt`` lacks, or an RLE is corrupted.
    """
    video_ids = sorted({video['id'] for video in gt['videos']})
    cat_ids = sorted({category['id'] for category in gt['categories']})
    video_index = {video_id: place for place, video_id in enumerate(video_ids)}
    cat_index = {cat_id: place * use_cats for place, cat_id in enumerate(cat_ids)}
    num_videos, num_cats = len(video_ids), len(cat_ids) if use_cats else 1
    gts = index_ground_truth(gt, video_index, cat_index, num_videos)
    dets = index_results(results, video_index, cat_index, num_videos, MAX_DETS[-1])
    pairs = find_pairs(dets, gts, num_jobs)
    matches = match_tracks(dets, gts, *pairs)
    precision, recall = accumulate(dets, gts, matches, num_videos, num_cats)
    return YTVISScores(precision, recall, cat_ids if use_cats else [-1])
