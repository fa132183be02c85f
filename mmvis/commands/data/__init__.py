"""The command `mmvis data`: annotations and data sets."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mmvis.commands.command_group import CommandGroup

__all__ = ['COMMANDS', 'main']

#: Subcommand -> module with a function ``main(args)``, and what it does.
COMMANDS = {
    'check': ('mmvis.commands.data.check', 'find, and fix, all faults of annotations'),
    'convert': ('mmvis.commands.data.convert', 'labels of one format to another'),
    'clips': ('mmvis.commands.data.clips', 'make videos of annotated photos'),
    'frames': ('mmvis.commands.data.frames', 'split videos into frames'),
    'split': ('mmvis.commands.data.split', 'hold out videos for validation'),
    'browse': ('mmvis.commands.data.browse', 'draw the clips of a training set'),
    'shapes': ('mmvis.commands.data.shapes', 'generate the synthetic set ShapesVIS'),
}

_DATA = CommandGroup('mmvis data', 'Prepare and look at data sets.', COMMANDS)


def main(args: Sequence[str] | None = None) -> None:
    """Run a subcommand.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With one message, after a mistake of the user.
    """
    _DATA(sys.argv[1:] if args is None else args)
