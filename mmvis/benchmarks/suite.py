"""The suite: all parts that a page of performance has, with fixed settings."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from mmvis.atomic_file import atomic_file
from mmvis.benchmarks.protocol import PROTOCOL, describe_machine
from mmvis.benchmarks.report import Report
from mmvis.benchmarks.run import run_part
from mmvis.commands.benchmark import MINUTES, parse
from mmvis.errors import UserValueError

__all__ = ['SUITES', 'Entry', 'run_suite']

_INTRODUCTION = """# Performance

Written by one command, on the machine at the end of this page; it measures the same on
yours, without a network:

```bash
{command}
```
"""


@dataclass(frozen=True)
class Entry:
    """One section of the page.

    Attributes:
        title (str): Its heading.
        command (str): A part of `mmvis benchmark`, and its options.
        settings (Sequence[str]): As of ``--compare``. Defaults to one setting.
    """

    title: str
    command: str
    settings: Sequence[str] = ()

    @property
    def words(self) -> list[str]:
        """The words of the command line, the part first."""
        compared = ['--compare', *self.settings] if self.settings else []
        return [*self.command.split(), *compared]


_SMALL = [
    f'config={name}'
    for name in (
        'ifc_small_shapes',
        'vistr_small_shapes',
        'tevit_small_shapes',
        'videomt_small_shapes',
    )
]
_PUBLISHED = (
    'config=ifc_r50 clip_len=5 size=360,640',
    'config=vistr_r50 clip_len=6 size=300,540',
    'config=tevit_msgshift clip_len=5 size=384,640',
    'config=videomt_vit-s clip_len=2 size=448,448',
)
_PUBLISHED_LARGE = (
    'config=ifc_r50 clip_len=36 size=360,640',
    'config=vistr_r50 clip_len=36 size=300,540',
    'config=tevit_msgshift clip_len=20 size=384,640',
    'config=videomt_vit-l clip_len=8 size=640,640',
)
_WITHOUT_NETWORK = (
    Entry('Frames and clips from files', 'loader ifc_r50 --repeats 3'),
    Entry('Reading, drawing, writing videos', 'video-io --num-frames 24 --repeats 3'),
    Entry(
        'Evaluation, beside the official algorithm',
        'evaluation --videos 60 --tracks 50 --repeats 3',
    ),
)

#: By kind of device, what is run in turn.
SUITES: dict[str, tuple[Entry, ...]] = {
    'cpu': (
        Entry('Published models, a clip', 'forward ifc_r50 --repeats 1', _PUBLISHED),
        Entry(
            'Small models, a video to tracks',
            'end-to-end ifc_small_shapes --size 360 640 --repeats 3',
            _SMALL,
        ),
        Entry(
            'Small models, a step of a training',
            'training ifc_small_shapes --size 96 160 --repeats 3',
            _SMALL,
        ),
        Entry(
            'Growth',
            'growth ifc_small_shapes --points 4 --repeats 2',
            _SMALL,
        ),
        Entry(
            'A long video',
            'long-video ifc_small_shapes --no-test --lengths 100 400 --repeats 1',
        ),
        Entry('Merging of clips', 'merging --repeats 3',
              ('merger=IFCClipMerger', 'merger=TrackClipMerger')),
        *_WITHOUT_NETWORK,
    ),
    'cuda': (
        Entry('A clip', 'forward ifc_r50', _PUBLISHED),
        Entry('A clip, fast mode', 'forward ifc_r50 --fast', _PUBLISHED),
        Entry('A long clip', 'forward ifc_r50 --repeats 3', _PUBLISHED_LARGE),
        Entry(
            'A video to tracks',
            'end-to-end ifc_r50 --num-frames 24 --repeats 3',
            [setting.rpartition(' size')[0] for setting in _PUBLISHED[:3]],
        ),
        Entry('A step of a training', 'training ifc_r50 --repeats 3', _PUBLISHED),
        Entry(
            'Attention of VisTR',
            'attention vistr_r50_24g --dropout 0 --recompute --amp --repeats 2',
        ),
        Entry(
            'Growth',
            'growth ifc_r50 --size 192 320 --num-frames 8 --points 3 --repeats 2',
            ['config=ifc_r50', 'config=vistr_r50', 'config=tevit_msgshift',
             'config=videomt_vit-s'],
        ),
        Entry(
            'A long video',
            'long-video ifc_r50 --no-test --size 360 640 --lengths 100 400 --repeats 1',
        ),
        *_WITHOUT_NETWORK,
    ),
}  # fmt: skip


def run_suite(
    device: str,
    folder: str | Path,
    *,
    minutes: float = MINUTES,
    entries: Sequence[Entry] | None = None,
) -> list[Path]:
    """Run all entries, and write the page.

    An entry that fails, as for lack of memory, or that would begin too late, is named
    on the page with the reason.

    Args:
        device (str): Where models run.
        folder (str | Path): Gets ``index.md``, plots and ``suite.json``.
        minutes (float): No entry begins after these. Defaults to 8.
        entries (Sequence[Entry], optional): Defaults to those of the device, see
            :data:`SUITES`.

    Returns:
        list[Path]: The files.

    Raises:
        ValueError: If there is no suite for the device.
    """
    kind = device.partition(':')[0]
    if kind not in SUITES or (kind == 'cuda' and not torch.cuda.is_available()):
        raise UserValueError(
            f"--device must be cpu, or cuda where torch finds a GPU, got '{device}'."
        )
    entries = SUITES[kind] if entries is None else entries
    given = '' if device == 'cpu' else f' --device {device}'
    given += '' if minutes == MINUTES else f' --minutes {minutes:g}'
    sections = [_INTRODUCTION.format(command=f'mmvis benchmark suite{given}')]
    reports, begin = [], time.perf_counter()
    for entry in entries:
        minutes_so_far = (time.perf_counter() - begin) / 60
        reason = f'{minutes:g} minutes were over' if minutes_so_far > minutes else None
        if reason is None:
            try:
                reports.append(_run(entry, device))
            except (MemoryError, OSError, RuntimeError) as error:
                reason = (str(error) or type(error).__name__).splitlines()[0]
        content = f'Left out: {reason}.\n' if reason else reports[-1].body()
        sections.append(f'## {entry.title}\n\n{content}')
    seconds = time.perf_counter() - begin
    machine = ', '.join(f'{k} {v}' for k, v in describe_machine(device).items())
    sections.append(
        f'## How it was measured\n\n{PROTOCOL}\n\nThe suite took {seconds:.0f} s. '
        f'Machine: {machine}.\n'
    )
    return _write(Path(folder), sections, reports)


def _run(entry: Entry, device: str) -> Report:
    part, *words = entry.words
    words = [*words, '--device', device]
    settings = [
        (_label(setting), parse(part, words, setting))
        for setting in entry.settings or ['default']
    ]
    return run_part(part, settings, words=words)


def _label(setting: str) -> str:
    """The config of a setting, which is what differs; else all of it."""
    return setting.split()[0].rpartition('=')[2]


def _write(folder: Path, sections: list[str], reports: list[Report]) -> list[Path]:
    content = json.dumps([report.to_dict() for report in reports], indent=1)
    texts = {'index.md': '\n'.join(sections), 'suite.json': content + '\n'}
    paths = [folder / name for name in texts]
    for path, text in zip(paths, texts.values()):
        with atomic_file(path) as file:
            file.write_text(text, encoding='utf-8')
    return paths + [path for report in reports for path in report.draw(folder)]
