"""Commands with subcommands, which are imported when they are called."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module

__all__ = ['CommandGroup']


@dataclass(frozen=True)
class CommandGroup:
    """A command with subcommands.

    Attributes:
        program (str): What is typed before the subcommand, e.g. 'mmvis data'.
        what (str): What the command is for.
        commands (Mapping[str, tuple[str, str]]): Subcommand -> module with a function
            ``main(args)``, and what it does.
        note (str): Printed below the subcommands.
    """

    program: str
    what: str
    commands: Mapping[str, tuple[str, str]]
    note: str = ''

    def __call__(self, words: Sequence[str]) -> None:
        """Run a subcommand.

        Args:
            words (Sequence[str]): Its name and its words. Without any the help is
                printed.

        Raises:
            SystemExit: With status 2 and one message, if there is no such subcommand.
        """
        if not words or words[0] in ('-h', '--help'):
            print(self.help(), end='')
            return
        name, *rest = words
        if name not in self.commands:
            print(self._unknown(name), file=sys.stderr)
            sys.exit(2)
        sys.argv = [f'{self.program} {name}', *rest]  # what argparse calls the program
        import_module(self.commands[name][0]).main(rest)

    def help(self) -> str:
        """The subcommands, one a line."""
        width = max(map(len, self.commands))
        rows = [
            f'  {name:<{width}}  {what}' for name, (_, what) in self.commands.items()
        ]
        lines = [
            f'usage: {self.program} COMMAND [OPTIONS]',
            '',
            self.what,
            '',
            'commands:',
            *rows,
            '',
            f'`{self.program} COMMAND --help` explains a command. {self.note}'.rstrip(),
        ]
        return '\n'.join(lines) + '\n'

    def _unknown(self, name: str) -> str:
        similar = get_close_matches(name, self.commands, n=1)
        hint = f' Did you mean {similar[0]}?' if similar else ''
        return (
            f'error: {self.program} has no command {name!r}.{hint} The commands are '
            f'{", ".join(self.commands)}.'
        )
