"""Report of an evaluation: numbers by name, and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from terminaltables import AsciiTable

from mmvis.evaluation.functional import YTVISScores, evaluate_ytvis
from mmvis.evaluation.short_long import keep_videos
from mmvis.terminal import printable

__all__ = ['Report', 'make_report']


@dataclass
class Report:
    """Numbers of an evaluation, unrounded; -1 where there is no ground truth.

    Attributes:
        stats (dict[str, float]): AP, AP50, AP75, APs, APm, APl, AR1, AR10, AR100,
            ARs, ARm and ARl of the whole set; in the protocol of 2022 the means of
            short and long videos.
        per_category (dict[int, dict[str, float]]): AP, AP50, AP75, AR1, AR10 and
            AR100 by category id.
        parts (dict[str, Report]): In the protocol of 2022 the reports of the
            'short' and of the 'long' videos, else empty.
    """

    stats: dict[str, float]
    per_category: dict[int, dict[str, float]]
    parts: dict[str, Report] = field(default_factory=dict)

    def flat_stats(self) -> dict[str, float]:
        """The stats under one name each, those of the parts as AP_S, AP_L and so on."""
        flat = dict(self.stats)
        for part, report in self.parts.items():
            suffix = part[0].upper()
            flat.update({f'{k}_{suffix}': v for k, v in report.stats.items()})
        return flat

    def tables(self, cat_names: Mapping[int, str]) -> str:
        """Format the stats, and the categories that have ground truth.

        Args:
            cat_names (Mapping[int, str]): Category id -> name.

        Returns:
            str: Two tables, numbers in percent.
        """
        names = list(self.stats)
        rows: list[tuple[str, ...]] = [
            ('videos', *names),
            ('all', *map(_percent, self.stats.values())),
        ]
        for part, report in self.parts.items():
            rows.append((part, *map(_percent, report.stats.values())))
        if self.parts:
            rows[1] = ('mean', *rows[1][1:])
        columns = ('AP', 'AP50', 'AP75', 'AR1', 'AR10', 'AR100')
        cat_rows: list[tuple[str, ...]] = [('id', 'category', *columns)]
        for cat_id, values in self.per_category.items():
            if values['AR100'] >= 0:
                numbers = (_percent(values[column]) for column in columns)
                cat_rows.append(
                    (str(cat_id), printable(cat_names.get(cat_id, '')), *numbers)
                )
        return '\n'.join(_format(table) for table in (rows, cat_rows))

    def as_json(self) -> dict:
        """The report as it is written to a file, in full precision."""
        content = dict(
            self.flat_stats(),
            per_category={str(k): values for k, values in self.per_category.items()},
        )
        for part, report in self.parts.items():
            content[f'per_category_{part}'] = report.as_json()['per_category']
        return content


def make_report(
    gt: dict,
    results: list[dict],
    long_ids: set[int] | None = None,
    use_cats: bool = True,
    num_jobs: int = 1,
) -> Report:
    """Evaluate results.

    Args:
        gt (dict): The parsed ground truth, with annotations.
        results (list[dict]): The parsed results.
        long_ids (set[int] | None): Ids of the long videos, to evaluate short and
            long ones apart as in 2022. Defaults to None, all videos together.
        use_cats (bool): Whether categories count apart. If not, a track may be of
            any, and the only category of the report is -1. Defaults to True.
        num_jobs (int): Processes that share the work. Defaults to 1, this one.

    Returns:
        Report: The numbers.
    """
    if long_ids is None:
        return _report(evaluate_ytvis(gt, results, use_cats, num_jobs))
    short_ids = {video['id'] for video in gt['videos']} - long_ids
    short, long = (
        make_report(
            *keep_videos(gt, results, video_ids), use_cats=use_cats, num_jobs=num_jobs
        )
        for video_ids in (short_ids, long_ids)
    )
    per_category = {
        cat_id: _mean(values, long.per_category[cat_id])
        for cat_id, values in short.per_category.items()
    }
    parts = dict(short=short, long=long)
    return Report(_mean(short.stats, long.stats), per_category, parts)


def _report(scores: YTVISScores) -> Report:
    return Report(scores.stats(), scores.per_category())


def _mean(short: dict[str, float], long: dict[str, float]) -> dict[str, float]:
    """Mean of both where both exist, else the one that does."""
    means = {}
    for name in short:
        values = [value for value in (short[name], long[name]) if value >= 0]
        means[name] = sum(values) / len(values) if values else -1.0
    return means


def _percent(value: float) -> str:
    return f'{100 * value:.1f}' if value >= 0 else '-'


def _format(rows: list[tuple]) -> str:
    table = AsciiTable(rows)
    table.inner_row_border = False
    return table.table
