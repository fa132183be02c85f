"""The command `mmvis convert`: checkpoints of the original implementations."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mmvis.commands.command_group import CommandGroup

__all__ = ['COMMANDS', 'main']

#: Subcommand -> module with a function ``main(args)``, and what it does.
COMMANDS = {
    'ifc': ('mmvis.commands.convert.ifc', 'IFC, both ways'),
    'vistr': ('mmvis.commands.convert.vistr', 'VisTR, both ways'),
    'tevit': (
        'mmvis.commands.convert.tevit',
        'TeViT and QueryInst, both ways; PVTv2 to mmvis',
    ),
    'videomt': (
        'mmvis.commands.convert.videomt',
        'VidEoMT and EoMT, both ways; DINOv2 to mmvis',
    ),
    'detr': ('mmvis.commands.convert.detr', 'DETR to the start of a VisTR'),
}

_CONVERT = CommandGroup(
    'mmvis convert',
    'Convert a published checkpoint to mmvis, or back with --reverse.',
    COMMANDS,
)


def main(args: Sequence[str] | None = None) -> None:
    """Run a subcommand.

    Args:
        args (Sequence[str], optional): Words of the command line. Defaults to those
            of this process.

    Raises:
        SystemExit: With one message, after a mistake of the user.
    """
    _CONVERT(sys.argv[1:] if args is None else args)
