"""Text for a terminal."""

from __future__ import annotations

import sys

__all__ = ['print_warning', 'printable']


def printable(text: str, keep: str = '') -> str:
    r"""Escape characters that a terminal obeys or does not show.

    Names of files and categories may hold any, and so erase or recolour what is there.

    Args:
        text (str): Any text.
        keep (str): Such characters that stay, e.g. line breaks. Defaults to none.

    Example:
        >>> printable('\x1b[2J')
        '\\x1b[2J'
    """
    if text.isprintable():
        return text
    return ''.join(
        char
        if char.isprintable() or char in keep
        else char.encode('unicode_escape').decode()
        for char in text
    )


def print_warning(message: str) -> None:
    """Print a warning to stderr.

    MMEngine's logger writes to the stdout of the time when it was made, which is
    where results of a pipeline may go; and no run may have made it yet.
    """
    print(printable(f'warning: {message}'), file=sys.stderr)  # noqa: T201 - see above
