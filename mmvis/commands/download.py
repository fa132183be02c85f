"""Download published weights and convert them to mmvis."""

from __future__ import annotations

from collections.abc import Sequence

from mmvis import zoo
from mmvis.engine.command_line import ToolArgumentParser
from mmvis.engine.user_errors import user_errors

__all__ = ['main']

EXAMPLES = """examples:
  mmvis download tevit_msgshift
  mmvis download tevit_msgshift tevit_r50

Files are kept in $MMVIS_HOME, else in $XDG_CACHE_HOME/mmvis, else in ~/.cache/mmvis.
An interrupted download resumes. `mmvis models --published` lists the names.
"""


def main(args: Sequence[str] | None = None) -> None:
    """Download weights.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With status 2 and one message, after a mistake of the user.
    """
    parser = ToolArgumentParser(__doc__, EXAMPLES)
    parser.add_argument('name', nargs='+', help='name of a model')
    for name in parser.parse_args(args).name:
        with user_errors(name):
            path = zoo.fetch_weights(name)
            model = zoo.find_model(name)
        print(f'{name}: {path}\n  licence: {model.licence}, source: {model.source}')
