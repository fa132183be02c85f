"""How fast figures grow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmvis.benchmarks.protocol import Measurement

__all__ = ['exponent_table', 'exponents', 'fit_exponent', 'series_of']

_FIGURES = dict(cpu='CPU time', wall='wall time', memory='memory')


def fit_exponent(values: Sequence[float], figures: Sequence[float]) -> float | None:
    """Fit figures ~ values ** exponent, by least squares on the logarithms.

    Args:
        values (Sequence[float]): What grows, positive.
        figures (Sequence[float]): What was measured there.

    Returns:
        float | None: The exponent; None with fewer than two points, or where a figure
        is not positive.

    Example:
        >>> round(fit_exponent([1, 2, 4], [3, 12, 48]), 6)
        2.0
    """
    if len(set(values)) < 2 or min(figures) <= 0:
        return None
    slope, _ = np.polyfit(np.log(values), np.log(figures), 1)
    return float(slope)


def series_of(
    measurements: Sequence[Measurement],
) -> dict[tuple[str, str], tuple[list[float], list[Measurement]]]:
    """Group values and measurements of series, by axis and name of the series."""
    found: dict[tuple[str, str], tuple[list[float], list[Measurement]]] = {}
    for measurement in measurements:
        point = measurement.workload.point
        if point is not None:
            key = point.axis, point.series
            values, points = found.setdefault(key, ([], []))
            values.append(point.value)
            points.append(measurement)
    return found


def exponents(measurements: Sequence[Measurement]) -> list[dict]:
    """Fit the medians of each series.

    Args:
        measurements (Sequence[Measurement]): Those without a point are left out.

    Returns:
        list[dict]: Of each series 'axis', 'series', 'values' and the exponents of
        'cpu', 'wall' and 'memory', None where there is none.
    """
    found = []
    for (axis, series), (values, points) in series_of(measurements).items():
        fits = {
            name: fit_exponent(values, [m.median(name) for m in points])
            if all(name in m.figures for m in points)
            else None
            for name in _FIGURES
        }
        found.append(dict(axis=axis, series=series, values=values, **fits))
    return found


def exponent_table(measurements: Sequence[Measurement]) -> str:
    """A markdown table of exponents; empty where there are no series."""
    fits = exponents(measurements)
    if not fits:
        return ''
    has_names = any(fit['series'] for fit in fits)
    header = ['grows with', *(['setting'] if has_names else []), 'from', 'to']
    header += [f'exponent of {what}' for what in _FIGURES.values()]
    rows = [header, ['---'] * len(header)]
    for fit in fits:
        ends = [f'{fit["values"][i]:,.0f}' for i in (0, -1)]
        texts = ['' if fit[n] is None else f'{fit[n]:.2f}' for n in _FIGURES]
        rows.append(
            [fit['axis'], *([fit['series']] if has_names else []), *ends, *texts]
        )
    return ''.join(f'| {" | ".join(row)} |\n' for row in rows)
