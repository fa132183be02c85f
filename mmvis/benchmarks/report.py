"""What was measured, as markdown and json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mmvis.atomic_file import atomic_file
from mmvis.benchmarks.exponents import exponent_table, exponents
from mmvis.benchmarks.plots import Plot, draw_plots, plots_of
from mmvis.benchmarks.protocol import PROTOCOL, Measurement
from mmvis.version import __version__

__all__ = ['Report', 'table']

_STANDARD = ('wall', 'cpu', 'memory')


@dataclass(frozen=True)
class Report:
    """Measurements of one part.

    Attributes:
        part (str): Name of the part.
        words (Sequence[str]): The command line behind it.
        machine (dict): Of :func:`~mmvis.benchmarks.protocol.describe_machine`.
        measurements (Sequence[Measurement]): In the order of the rows.
    """

    part: str
    words: Sequence[str]
    machine: dict
    measurements: Sequence[Measurement]

    @property
    def command(self) -> str:
        """What to type to measure it again."""
        return ' '.join(['mmvis benchmark', self.part, *map(_quoted, self.words)])

    @property
    def plots(self) -> list[Plot]:
        """What there is to draw."""
        return plots_of(self.measurements)

    def to_markdown(self) -> str:
        """Command, tables, plots, machine and protocol."""
        parts = [f'# {self.part}\n', self.body(), f'{PROTOCOL}\n', self.footer()]
        return '\n'.join(parts)

    def body(self) -> str:
        """Command, tables and plots, in markdown."""
        parts = [
            f'```bash\n{self.command}\n```\n',
            table(self.measurements),
            exponent_table(self.measurements),
            f'![{self.part}]({self.part}.svg)\n' if self.plots else '',
        ]
        return '\n'.join(part for part in parts if part)

    def footer(self) -> str:
        """Version and machine."""
        machine = ', '.join(f'{key} {value}' for key, value in self.machine.items())
        return f'mmvis {__version__}; {machine}.\n'

    def to_dict(self) -> dict:
        """The same for a json file, with the value of each repetition."""
        return dict(
            benchmark=self.part,
            command=self.command,
            mmvis=__version__,
            time=datetime.now(timezone.utc).isoformat(timespec='seconds'),
            machine=self.machine,
            protocol=PROTOCOL,
            rows=[measurement.to_dict() for measurement in self.measurements],
            exponents=exponents(self.measurements),
        )

    def write(self, folder: str | Path) -> list[Path]:
        """Write PART.md, PART.json and, where there are plots, PART.svg.

        Args:
            folder (str | Path): Where to; it is created if need be.

        Returns:
            list[Path]: The files.
        """
        contents = dict(
            md=self.to_markdown(), json=json.dumps(self.to_dict(), indent=1) + '\n'
        )
        paths = []
        for ending, content in contents.items():
            paths.append(Path(folder) / f'{self.part}.{ending}')
            with atomic_file(paths[-1]) as file:
                file.write_text(content, encoding='utf-8')
        return [*paths, *self.draw(folder)]

    def draw(self, folder: str | Path) -> list[Path]:
        """Write PART.svg into a folder, where there are plots."""
        if not self.plots:
            return []
        path = Path(folder) / f'{self.part}.svg'
        draw_plots(self.plots, path)
        return [path]


def table(measurements: Sequence[Measurement]) -> str:
    """A markdown table, one row for each measurement.

    Args:
        measurements (Sequence[Measurement]): The first one is what the others'
            factors of CPU time refer to.

    Returns:
        str: Ends with a newline.
    """
    others = _names(m.figures for m in measurements)
    facts = _names(m.workload.facts for m in measurements)
    units = _names({m.workload.unit: None} for m in measurements)
    per_item = f'CPU ms per {units[0] if len(units) == 1 else "item"}'
    header = [
        'what', 'CPU s', 'factor', 'wall s', per_item, 'memory, MB', *others, *facts
    ]  # fmt: skip
    rows = [header, ['---'] * len(header)]
    for m in measurements:
        cpu = m.median('cpu')
        factor = measurements[0].median('cpu') / cpu if cpu > 0 else 0
        rows.append(
            [
                m.workload.name,
                _with_spread(m, 'cpu'),
                f'{factor:.2f}',
                _with_spread(m, 'wall'),
                _short(1000 * cpu / m.workload.num_items),
                _with_spread(m, 'memory'),
                *(_with_spread(m, name) for name in others),
                *(
                    _short(m.workload.facts[n]) if n in m.workload.facts else ''
                    for n in facts
                ),
            ]
        )
    return ''.join(f'| {" | ".join(row)} |\n' for row in rows)


def _names(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names beyond the standard ones, each once."""
    names = {name: None for mapping in mappings for name in mapping}
    return [name for name in names if name not in _STANDARD]


def _with_spread(measurement: Measurement, name: str) -> str:
    values = measurement.figures.get(name)
    if values is None:
        return ''
    median = _short(measurement.median(name))
    if len(values) == 1:
        return median
    return f'{median} ({_short(min(values))} to {_short(max(values))})'


def _short(value: float) -> str:
    """Three digits."""
    if value == 0 or abs(value) >= 100:
        return f'{value:,.0f}'
    return f'{value:#.3g}'.rstrip('.')


def _quoted(word: str) -> str:
    return f"'{word}'" if ' ' in word else word
