"""The command `mmvis` and its subcommands.

Modules of subcommands are imported when they are called: `mmvis --help` imports neither
torch nor MMDetection.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

__all__ = ['COMMANDS', 'main']

#: Subcommand -> module with a function ``main(args)``, and what it does.
COMMANDS = {
    'train': ('mmvis.engine.train', 'train a model from a config'),
    'test': ('mmvis.engine.test', 'run a model on a data set, evaluate and submit'),
    'report': ('mmvis.commands.report', 'show a test as a page: errors, videos'),
    'logs': ('mmvis.commands.logs', 'draw the curves of trainings'),
    'config': ('mmvis.commands.config', 'print a config; count its operations'),
    'models': ('mmvis.commands.models', 'list the models and their published weights'),
    'download': ('mmvis.commands.download', 'download published weights'),
}

_HEADER = """usage: mmvis COMMAND [OPTIONS]

Video instance segmentation: find, mask and track every object of a video.

commands:
"""
_FOOTER = """
`mmvis COMMAND --help` explains a command. A model is the path of a config file, or the
name of a shipped one: `mmvis models` lists them.
"""


def main(args: Sequence[str] | None = None) -> None:
    """Run a subcommand.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With status 2 if there is no such command.
    """
    words = list(sys.argv[1:] if args is None else args)
    if not words or words[0] in ('-h', '--help'):
        print(_help(), end='')  # noqa: T201
        return
    if words[0] == '--version':
        from mmvis.version import __version__

        print(__version__)  # noqa: T201
        return
    name, *rest = words
    if name not in COMMANDS:
        sys.exit(_unknown(name))
    sys.argv = [f'mmvis {name}', *rest]  # what argparse calls the program
    import_module(COMMANDS[name][0]).main(rest)


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f'  {name:<{width}}  {what}\n' for name, (_, what) in COMMANDS.items()]
    return f'{_HEADER}{"".join(lines)}{_FOOTER}'


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    similar = get_close_matches(name, COMMANDS, n=1)
    hint = f' Did you mean {similar[0]}?' if similar else ''
    return (
        f'error: there is no command {name!r}.{hint} The commands are '
        f'{", ".join(COMMANDS)}.'
    )
