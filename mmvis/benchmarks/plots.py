"""Plots of benchmarks as small SVG files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from mmvis.atomic_file import atomic_file
from mmvis.benchmarks.exponents import fit_exponent, series_of
from mmvis.benchmarks.protocol import Measurement

__all__ = ['Plot', 'draw_plots', 'plots_of']

_PANEL = 3.0, 2.4  # inches
_FIGURES = dict(cpu='CPU s', memory='memory, MB')
# Text stays text, in the font of the reader; the same content gives the same file.
_STYLE: dict[Any, Any] = {
    'svg.fonttype': 'none',
    'svg.hashsalt': 'mmvis',
    'font.size': 8,
    'font.sans-serif': ['DejaVu Sans'],  # each text names all of them
    'path.simplify': True,
}


@dataclass(frozen=True)
class Plot:
    """One panel.

    Attributes:
        x_label (str): What grows.
        y_label (str): What was measured.
        lines (dict[str, tuple[Sequence[float], Sequence[float]]]): x and y by name.
        is_logarithmic (bool): Whether both axes are. Defaults to False.
    """

    x_label: str
    y_label: str
    lines: dict[str, tuple[Sequence[float], Sequence[float]]]
    is_logarithmic: bool = False


def plots_of(measurements: Sequence[Measurement]) -> list[Plot]:
    """Panels of all series, and of what single workloads observed.

    Args:
        measurements (Sequence[Measurement]): Those of one part, or of several parts
            that are to be compared.

    Returns:
        list[Plot]: A panel for each axis and figure, with exponents in the legend.
    """
    panels: dict[tuple[str, str], Plot] = {}
    for (axis, series), (values, points) in series_of(measurements).items():
        for name, label in _FIGURES.items():
            if not all(name in m.figures for m in points):
                continue
            medians = [m.median(name) for m in points]
            fit = fit_exponent(values, medians)
            if fit is None:  # no place on a logarithmic axis
                continue
            plot = panels.setdefault((axis, label), Plot(axis, label, {}, True))
            plot.lines[f'{series} {fit:.2f}'.strip()] = values, medians
    for measurement in measurements:
        curves = measurement.workload.curves
        for x_label, y_label in ((next(iter(curves)), y) for y in list(curves)[1:]):
            plot = panels.setdefault((x_label, y_label), Plot(x_label, y_label, {}))
            plot.lines[measurement.workload.name] = curves[x_label], curves[y_label]
    return list(panels.values())


def draw_plots(
    plots: Sequence[Plot], path: str | Path, *, num_columns: int = 4
) -> None:
    """Draw panels side by side into an SVG file.

    Args:
        plots (Sequence[Plot]): At least one.
        path (str | Path): The file.
        num_columns (int): Panels in a row. Defaults to 4.
    """
    num_columns = min(num_columns, len(plots))
    num_rows = -(-len(plots) // num_columns)
    width, height = _PANEL
    with rc_context(_STYLE), atomic_file(path) as file:
        figure = Figure((width * num_columns, height * num_rows), layout='constrained')
        panels = [*figure.subplots(num_rows, num_columns, squeeze=False).flat]
        for panel, plot in zip(panels, plots):
            _draw(panel, plot)
        for panel in panels[len(plots) :]:
            panel.axis('off')
        figure.savefig(file, format='svg', metadata=dict(Date=None))
        file.write_text(_shrunk(file.read_text('utf-8')), 'utf-8')


def _shrunk(svg: str) -> str:
    """Leave out what is not seen: indents, comments, names of groups, many digits."""
    svg = re.sub(r'<!--.*?-->', '', svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', '<g', svg)
    svg = re.sub(r'<[^>]+>', lambda tag: re.sub(r'(?<=\d\.\d)\d+', '', tag[0]), svg)
    return re.sub(r'\s*\n\s*', '\n', svg)


def _draw(panel: Axes, plot: Plot) -> None:
    marker = 'o' if plot.is_logarithmic else ''
    for name, (x, y) in plot.lines.items():
        panel.plot(x, y, marker=marker, markersize=3, label=name)
    if plot.is_logarithmic:
        panel.set_xscale('log', base=2)
        panel.set_yscale('log', base=2)
        panel.set_xticks(sorted({value for x, _ in plot.lines.values() for value in x}))
        panel.yaxis.set_major_locator(LogLocator(base=2, numticks=5))
        panel.xaxis.set_major_formatter('{x:,.0f}')
        panel.yaxis.set_major_formatter('{x:.3g}')
        panel.minorticks_off()
    panel.set_xlabel(plot.x_label)
    panel.set_ylabel(plot.y_label)
    if len(plot.lines) > 1 or plot.is_logarithmic:
        panel.legend(fontsize=6)
