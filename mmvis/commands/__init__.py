"""The command `mmvis` and its subcommands.

Modules of subcommands are imported when they are called: `mmvis --help` imports neither
torch nor MMDetection.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mmvis.commands.command_group import CommandGroup
from mmvis.version import __version__

__all__ = ['COMMANDS', 'main']

#: Subcommand -> module with a function ``main(args)``, and what it does.
COMMANDS = {
    'train': ('mmvis.engine.train', 'train a model from a config'),
    'test': ('mmvis.engine.test', 'run a model on a data set, evaluate and submit'),
    'predict': ('mmvis.commands.predict', 'find the objects of a video'),
    'demo': ('mmvis.commands.demo', 'serve a page that finds the objects of a video'),
    'evaluate': ('mmvis.commands.evaluate', 'score a results file'),
    'report': ('mmvis.commands.report', 'show a test as a page: errors, videos'),
    'logs': ('mmvis.commands.logs', 'draw the curves of trainings'),
    'data': ('mmvis.commands.data', 'check, convert, split, draw and generate data'),
    'config': ('mmvis.commands.config', 'print a config; count its operations'),
    'models': ('mmvis.commands.models', 'list the models and their published weights'),
    'download': ('mmvis.commands.download', 'download published weights'),
    'convert': ('mmvis.commands.convert', 'convert published checkpoints, and back'),
    'benchmark': ('mmvis.commands.benchmark', 'measure time and memory'),
}

_MMVIS = CommandGroup(
    'mmvis',
    'Video instance segmentation: find, mask and track every object of a video.',
    COMMANDS,
    'A model is the path of a\n'
    'config file, or the name of a shipped one: `mmvis models` lists them.',
)


def main(args: Sequence[str] | None = None) -> None:
    """Run a subcommand.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With one message, if there is no such command.
    """
    words = list(sys.argv[1:] if args is None else args)
    if words[:1] == ['--version']:
        print(__version__)
        return
    _MMVIS(words)
