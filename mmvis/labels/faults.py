"""Faults of labels: all of them, counted by kind."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from mmvis.errors import UserValueError
from mmvis.structures.json_file import PlaceError
from mmvis.terminal import printable

__all__ = ['Fault', 'Faults']

_INDEX = re.compile(r'\[\d+\]')


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        path (str): Where, 'annotations[3].id'.
        problem (str): What was given, what was expected.
        fix (str): How cleaning fixes it, '' if nothing is cleaned.
    """

    path: str
    problem: str
    fix: str = ''

    @property
    def kind(self) -> str:
        """The place without its indices."""
        return _INDEX.sub('[]', self.path)


class Faults(list[Fault]):
    """Faults of one file or folder.

    Args:
        source (str): Its name.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source

    def add(self, path: str, problem: str, fix: str = '') -> None:
        """Note a fault."""
        self.append(Fault(path, problem, fix))

    def add_error(self, error: PlaceError, fix: str = '') -> None:
        """Note what a reader of the format refused."""
        self.add(error.place.path, error.problem, fix)

    def report(self, max_examples: int = 3) -> str:
        """All kinds with their numbers, and examples.

        Args:
            max_examples (int): Examples of each kind. Defaults to 3.

        Returns:
            str: Lines of text.
        """
        if not self:
            return f'no faults in {self.source}'
        by_kind = defaultdict(list)
        for fault in self:
            by_kind[fault.kind].append(fault)
        lines = [f'{len(self)} faults in {self.source}, number by kind:']
        for kind, faults in sorted(by_kind.items(), key=lambda item: -len(item[1])):
            lines.append(f'{len(faults):6d}  {kind}')
            for fault in faults[:max_examples]:
                fix = f' Fix: {fault.fix}.' if fault.fix else ''
                lines.append(f'        {fault.path}: {fault.problem}{fix}')
        return printable('\n'.join(lines), keep='\n')

    def raise_if_any(self) -> None:
        """Refuse the labels if there is a fault.

        Raises:
            UserValueError: With the report.
        """
        if self:
            raise UserValueError(self.report())
