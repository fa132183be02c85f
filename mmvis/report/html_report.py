"""HTML report of a test in one file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from mmvis.atomic_file import atomic_file
from mmvis.errors import UserValueError
from mmvis.evaluation.error_breakdown import (
    ErrorBreakdown,
    VideoErrors,
    break_down_errors,
)
from mmvis.evaluation.functional import YTVISScores, evaluate_ytvis
from mmvis.report.video_pages import FrameStyle, video_page

__all__ = ['write_html_report']


def write_html_report(
    path: str | Path,
    gt: Mapping,
    results: Sequence[Mapping],
    *,
    frame_root: str | Path | None = None,
    title: str = 'Video instance segmentation',
    score_thr: float = 0.3,
    max_videos: int = 20,
    style: FrameStyle | None = None,
) -> None:
    """Write AP, precision curves, kinds of errors, and videos with their tracks.

    Videos are shown with the worst first, then the best: at most ``max_videos``, half
    of each. All texts of the data set are shown as text, never as HTML.

    Args:
        path (str | Path): The HTML file.
        gt (Mapping): The checked ground truth: videos, categories, annotations.
        results (Sequence[Mapping]): The checked results.
        frame_root (str | Path, optional): Folder that ``file_names`` are relative to.
            Defaults to None: no video is shown.
        title (str): Heading of the page.
        score_thr (float): Tracks with a lower score are not drawn; the numbers count
            all. Defaults to 0.3.
        max_videos (int): Videos that are shown. Defaults to 20.
        style (FrameStyle, optional): Size and number of the frames. Defaults to None:
            the defaults of :class:`FrameStyle`.

    Raises:
        FileNotFoundError: If a frame is missing.
        UserValueError: If the ground truth has no annotations, or ``max_videos`` is
            negative.
    """
    if not gt['annotations']:
        raise UserValueError(
            'A report needs a ground truth with annotations, got none. Those of the '
            'official valid and test sets are not public.'
        )
    if max_videos < 0:
        raise UserValueError(f'`max_videos` must be at least 0, got {max_videos}.')
    scores = evaluate_ytvis(gt, results)
    breakdown = break_down_errors(gt, results)
    content = dict(
        title=title,
        num_videos=len(gt['videos']),
        num_tracks=len(gt['annotations']),
        num_results=len(results),
        stats=scores.stats(),
        categories=_categories(gt, scores),
        errors=_errors(breakdown),
        order='Videos: the worst, then the best',
        videos=[],
    )
    if frame_root is not None:
        shown = _worst_and_best(breakdown.videos, max_videos)
        content['videos'] = [
            video_page(
                gt,
                results,
                errors,
                frame_root=Path(frame_root),
                score_thr=score_thr,
                style=style or FrameStyle(),
            )
            for errors in shown
        ]
    template = resources.files('mmvis.report').joinpath('page.html').read_text('utf-8')
    # "<" would end the script element that holds the data.
    data = json.dumps(content, allow_nan=False).replace('<', '\\u003c')
    with atomic_file(path) as partial:
        partial.write_text(template.replace('@DATA@', data), encoding='utf-8')


def _categories(gt: Mapping, scores: YTVISScores) -> list[dict]:
    """Numbers and the precision curve at IoU 0.5 of the categories with tracks."""
    names = {item['id']: item['name'] for item in gt['categories']}
    counts = Counter(
        item['category_id'] for item in gt['annotations'] if not item.get('iscrowd')
    )
    per_category = scores.per_category()
    rows = []
    for place, cat_id in enumerate(scores.cat_ids):
        curve = scores.precision[0, :, place, 0, -1]
        if counts[cat_id] == 0 or curve[0] < 0:
            continue
        rows.append(
            dict(
                per_category[cat_id],
                name=names[cat_id],
                num_tracks=counts[cat_id],
                precision=[round(value, 4) for value in curve.tolist()],
            )
        )
    return sorted(rows, key=lambda row: -row['AP'])


def _errors(breakdown: ErrorBreakdown) -> dict[str, dict]:
    return {
        kind: dict(count=breakdown.counts[kind], gain=gain)
        for kind, gain in breakdown.gains.items()
    }


def _worst_and_best(videos: list[VideoErrors], max_videos: int) -> list[VideoErrors]:
    annotated = [errors for errors in videos if errors.quality is not None]
    annotated.sort(key=lambda errors: errors.quality or 0.0)
    if len(annotated) <= max_videos:
        return annotated
    num_best = max_videos // 2
    worst = annotated[: max_videos - num_best]
    return worst + annotated[len(annotated) - num_best :][::-1]
