"""Measure the differences between a method and its original implementation.

Runs the parity tests of the method and prints the largest difference of every quantity
of tests/data/golden that they compare. Numbers in the names of quantities (of layers,
stages, frames) are shown as '#'. What the tests compare for equality (assignments,
labels, order) has no row.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
TESTS = dict(
    ifc=[
        'tests/test_models/test_vis/test_ifc_forward_parity.py',
        'tests/test_models/test_vis/test_ifc_loss_parity.py',
        'tests/test_models/test_vis/test_ifc_training_parity.py',
        'tests/test_models/test_vis/test_ifc_inference_parity.py',
        'tests/test_models/test_vis/test_ifc_single_class_parity.py',
        'tests/test_inference/test_clip_mergers/test_ifc_clip_merger.py',
    ],
    vistr=['tests/test_models/test_vis/test_vistr'],
    tevit=[
        'tests/test_models/test_backbones/test_msgshift.py',
        'tests/test_models/test_roi_heads/test_clip_dii_head.py',
        'tests/test_models/test_roi_heads/test_tevit_forward_parity.py',
        'tests/test_models/test_roi_heads/test_tevit_loss_parity.py',
        'tests/test_models/test_task_modules/test_frame_mean_cost.py',
    ],
    videomt=['tests/test_models/test_vis/test_videomt/test_parity.py'],
)


@dataclass
class Row:
    """All comparisons of one quantity.

    Attributes:
        num_values (int): Numbers that were compared.
        largest (float): Largest absolute value of the original.
        difference (float): Largest absolute difference from it.
    """

    num_values: int = 0
    largest: float = 0.0
    difference: float = 0.0

    def add(self, actual: np.ndarray, expected: np.ndarray) -> None:
        """Add a comparison; where both are NaN there is no difference."""
        actual, expected = np.broadcast_arrays(actual, expected)
        gap = np.nan_to_num(np.abs(actual - expected))
        self.num_values += expected.size
        self.largest = max(self.largest, np.nan_to_num(np.abs(expected)).max(initial=0))
        self.difference = max(self.difference, gap.max(initial=0))


class ParityRecorder:
    """Pytest plugin that watches the comparisons with golden arrays.

    A comparison belongs to the array, of those read since the last one, that has its
    values; ``rows`` holds a :class:`Row` by file and name of the array.
    """

    def __init__(self) -> None:
        import pytest

        self.rows: dict[tuple[str, str], Row] = {}
        self._read: list[tuple[str, str, np.ndarray]] = []
        self._patches = pytest.MonkeyPatch()

    def pytest_configure(self) -> None:
        """Watch, before test modules import what is watched."""
        import torch

        archive = np.lib.npyio.NpzFile
        read, close = archive.__getitem__, torch.testing.assert_close
        allclose = np.testing.assert_allclose

        def note_read(arrays: np.lib.npyio.NpzFile, key: str) -> np.ndarray:
            value = read(arrays, key)
            if value.dtype.kind in 'biuf':
                self._read.append((Path(arrays.zip.filename).stem, key, value))
            return value

        def note_close(actual: object, expected: object, **kwargs: object) -> None:
            self._note(actual, expected)
            close(actual, expected, **kwargs)

        def note_allclose(actual: object, desired: object, **kwargs: object) -> None:
            self._note(actual, desired)
            allclose(actual, desired, **kwargs)

        self._patches.setattr(archive, '__getitem__', note_read)
        self._patches.setattr(torch.testing, 'assert_close', note_close)
        self._patches.setattr(np.testing, 'assert_allclose', note_allclose)

    def pytest_unconfigure(self) -> None:
        """Watch no longer."""
        self._patches.undo()

    def pytest_runtest_setup(self) -> None:
        """Forget what an earlier test has read."""
        self._read.clear()

    def _note(self, actual: object, expected: object) -> None:
        for pair in _leaves(actual, expected):
            given, wanted = (np.asarray(x, np.float64) for x in pair)
            for file, key, array in reversed(self._read):
                if _holds(array, wanted):
                    row = self.rows.setdefault((_kind(file), _plain(key)), Row())
                    row.add(given, wanted)
                    break
        self._read.clear()


def _holds(array: np.ndarray, values: np.ndarray) -> bool:
    """Whether the first and the last of some values are in an array."""
    if array.size < values.size or values.size == 0:
        return False
    ends = values.reshape(-1)[[0, -1]]
    return all(np.isclose(array, end, rtol=1e-6, equal_nan=True).any() for end in ends)


def _leaves(actual: object, expected: object) -> Iterator[tuple]:
    import torch

    if isinstance(expected, dict):
        for key in expected:
            yield from _leaves(actual[key], expected[key])
    elif isinstance(expected, (list, tuple)) and isinstance(actual, (list, tuple)):
        for a, e in zip(actual, expected, strict=True):
            yield from _leaves(a, e)
    else:
        yield tuple(
            x.detach() if isinstance(x, torch.Tensor) else x for x in (actual, expected)
        )


def _kind(file: str) -> str:
    """'forward', 'loss', 'merge', 'train_steps', ..."""
    return re.match(r'[a-z]+(?:_steps|_head)?', file)[0]


def _plain(key: str) -> str:
    """One name for the cases, layers, stages and parameters of a quantity."""
    key = re.sub(r'^(main|allvisible|crowd\d+|empty)/', '', key)
    head, _, rest = key.partition('/')
    if re.fullmatch(r'(grad|gradnorm)', head):
        tail = rest.rpartition('/')[2]
        return f'{head}/*/{tail}' if tail in ('norm', 'head') else f'{head}/*'
    return re.sub(r'\d+', '#', re.sub(r'_\d+$', '', key))


def format_table(rows: dict[tuple[str, str], Row]) -> str:
    """Markdown, a line for each quantity."""
    lines = [
        '| file | quantity | values | largest value | largest difference |',
        '| --- | --- | --- | --- | --- |',
    ]
    for (file, key), row in sorted(rows.items()):
        lines.append(
            f'| {file} | `{key}` | {row.num_values} | {row.largest:.3g} '
            f'| {row.difference:.1e} |'
        )
    return '\n'.join(lines)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('method', choices=TESTS)
    parser.add_argument(
        '--slow', action='store_true', help='also six updates of the optimizer'
    )
    return parser.parse_args()


def main() -> None:
    """Print the table; exit with pytest's status if a test fails."""
    args = parse_args()

    import pytest

    os.chdir(ROOT)
    recorder = ParityRecorder()
    marker = [] if args.slow else ['-m', 'not slow']
    status = pytest.main(
        ['-q', '-p', 'no:xdist', *marker, *TESTS[args.method]], plugins=[recorder]
    )
    print(format_table(recorder.rows))
    sys.exit(status)


if __name__ == '__main__':
    main()
