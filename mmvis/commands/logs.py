"""Draw the curves of trainings: losses, learning rate and AP over the iterations."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from mmvis.atomic_file import atomic_file
from mmvis.engine.command_line import ToolArgumentParser
from mmvis.engine.user_errors import user_errors
from mmvis.errors import UserKeyError, UserValueError
from mmvis.terminal import printable

__all__ = ['main']

EXAMPLES = """examples:
  total loss and AP of a training:
    mmvis logs work_dirs/ifc_r50
  two trainings in one figure, other numbers:
    mmvis logs work_dirs/ifc_r50 work_dirs/ifc_r101 --keys loss_mask loss_cls
  which numbers were logged:
    mmvis logs work_dirs/ifc_r50 --list

Runs that were resumed are joined: of an iteration that ran twice, the later counts.
"""
_AP = 'youtube_vis/AP'

Curves = dict[str, dict[int, float]]


def main(args: Sequence[str] | None = None) -> None:
    """Draw curves.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    parser = ToolArgumentParser(__doc__, EXAMPLES)
    parser.add_argument('work_dir', nargs='+', help='work directory of a training')
    parser.add_argument(
        '--keys',
        nargs='+',
        metavar='KEY',
        help=f'numbers to draw, one panel each (default: loss, and {_AP} if logged)',
    )
    parser.add_argument(
        '--list', action='store_true', help='print the names of the numbers'
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('curves.png'),
        help='image file (default: curves.png)',
    )
    options = parser.parse_args(args)
    with user_errors(options.work_dir[0]):
        runs = {name: read_curves(Path(name)) for name in options.work_dir}
        if options.list:
            print('\n'.join(map(printable, sorted(set().union(*runs.values())))))
            return
        draw_curves(runs, options.keys or _default_keys(runs), options.out)
    print(options.out)


def read_curves(work_dir: Path) -> Curves:
    """Read what the runs in a work directory logged.

    Args:
        work_dir (Path): Work directory of a training.

    Returns:
        dict[str, dict[int, float]]: Name of a number -> iteration -> value.

    Raises:
        UserValueError: If nothing was logged there, or a file is corrupted.
    """
    files = sorted(work_dir.glob('*/vis_data/scalars.json'))
    curves: Curves = defaultdict(dict)
    for file in files:
        lines = file.read_bytes().splitlines()
        for number, line in enumerate(lines, start=1):
            try:
                row = dict(json.loads(line))
                step = int(row.pop('step'))
            except (ArithmeticError, LookupError, TypeError, ValueError) as error:
                raise UserValueError(
                    f'{file}, line {number} is not a row of logged numbers: {error}'
                ) from error
            for name, value in row.items():
                if isinstance(value, int | float):
                    curves[name][step] = value
    if not curves:
        raise UserValueError(
            f'{work_dir} has no logged numbers (expected TIME/vis_data/scalars.json). '
            'Give the work directory of a training.'
        )
    return {name: dict(sorted(values.items())) for name, values in curves.items()}


def draw_curves(runs: dict[str, Curves], keys: Sequence[str], out: Path) -> None:
    """Draw one panel for each number, one line for each run.

    Args:
        runs (dict[str, Curves]): By the name of the run.
        keys (Sequence[str]): Names of the numbers.
        out (Path): Image file.

    Raises:
        UserKeyError: If no run logged a number of that name.
    """
    from matplotlib.figure import Figure  # slow to import

    known = sorted(set().union(*runs.values()))
    for key in keys:
        if key not in known:
            raise UserKeyError(
                f'No run logged {key!r}. Logged were {", ".join(known)}.'
            )
    figure = Figure(figsize=(6 * len(keys), 4), layout='constrained')
    for axes, key in zip(figure.subplots(1, len(keys), squeeze=False)[0], keys):
        for name, curves in runs.items():
            points = curves.get(key, {})
            marker = 'o' if len(points) < 20 else None
            axes.plot(points.keys(), points.values(), marker=marker, label=name)
        axes.set(title=key, xlabel='iteration')
        axes.grid(alpha=0.3)
        axes.legend()
    with atomic_file(out) as partial:
        figure.savefig(partial, dpi=120)


def _default_keys(runs: dict[str, Curves]) -> list[str]:
    logged = set().union(*runs.values())
    return [key for key in ('loss', _AP) if key in logged] or sorted(logged)[:1]
