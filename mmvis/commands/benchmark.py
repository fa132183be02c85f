"""The command `mmvis benchmark`: the measurements of tools/analysis_tools."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

import mmvis
from mmvis.engine.command_line import ToolArgumentParser

__all__ = ['BENCHMARKS', 'main']

#: Part -> what is measured; the script is benchmark_PART.py.
BENCHMARKS = {
    'inference': 'time and memory of a model on one clip',
    'long_video': 'memory and time per frame of tests on growing videos',
    'video_io': 'reading, drawing and writing of videos, beside a model',
    'attention': 'kinds of attention, by time and memory',
    'evaluation': 'time and memory of the evaluation',
}

EXAMPLES = """examples:
  mmvis benchmark inference configs/ifc_r50.py --clip-len 5
  mmvis benchmark evaluation --help

parts:
""" + '\n'.join(f'  {name:<10}  {what}' for name, what in BENCHMARKS.items())


def main(args: Sequence[str] | None = None) -> None:
    """Run one benchmark.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    parser = ToolArgumentParser('Measure time and memory.', EXAMPLES)
    parser.add_argument('part', choices=BENCHMARKS, help='what is measured')
    words = list(sys.argv[1:] if args is None else args)
    part = parser.parse_args(words[:1]).part
    folder = Path(mmvis.__file__).parent / '.mim' / 'tools' / 'analysis_tools'
    script = folder / f'benchmark_{part}.py'
    sys.argv = [str(script), *words[1:]]
    sys.path.insert(0, str(folder))  # the scripts share modules beside them
    runpy.run_path(str(script), run_name='__main__')
