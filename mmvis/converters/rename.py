"""Renaming of the weights of a checkpoint by a table, in both directions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from torch import Tensor

from mmvis.converters.tensor_checks import quoted, weight_problem
from mmvis.errors import UserKeyError, UserValueError

__all__ = ['check_complete', 'rename', 'split_counters']


def rename(
    names: Iterable[str],
    table: Sequence[tuple[str, str]],
    dropped: Sequence[str] = (),
    *,
    reverse: bool = False,
) -> dict[str, str]:
    """Find the new name of every weight.

    Args:
        names (Iterable[str]): Weights by their old names.
        table (Sequence[tuple[str, str]]): Pairs of the beginning of a name in the
            original and in mmvis, where ``#`` stands for a number; of those that
            match, the longest is applied.
        dropped (Sequence[str]): Names that have no place in the other code.
        reverse (bool): Rename from mmvis to the original. Defaults to False.

    Returns:
        dict[str, str]: Old name by new name.

    Raises:
        KeyError: If a name is in none of them, or two get the same new name.
    """
    rows = [row[::-1] if reverse else row for row in table]
    rows.sort(key=lambda row: len(row[0]), reverse=True)
    patterns = [(_pattern(old), _with_numbers(new)) for old, new in rows]
    old_names: dict[str, str] = {}
    for old in names:
        if old in dropped:
            continue
        new = next((p.sub(r, old, count=1) for p, r in patterns if p.match(old)), None)
        if new is None:
            raise UserKeyError(
                f'Unknown weight {quoted(old)} in the checkpoint: this converter has '
                'no place for it. Is it a checkpoint of the method that it was made '
                'for?'
            )
        if new in old_names:
            raise UserKeyError(
                f'Weights {quoted(old_names[new])} and {quoted(old)} both become '
                f'{quoted(new)}.'
            )
        old_names[new] = old
    return old_names


def check_complete(
    old_names: Mapping[str, str],
    tensors: Mapping[str, Tensor],
    expected: Mapping[str, Tensor],
) -> None:
    """Compare the renamed weights with those of the model they are for.

    Args:
        old_names (Mapping[str, str]): Old name by new name.
        tensors (Mapping[str, Tensor]): Weights by old name.
        expected (Mapping[str, Tensor]): State dict of the mmvis model.

    Raises:
        KeyError: If a weight is missing or left over; the message names it.
        ValueError: If a shape differs.
    """
    missing = [name for name in expected if name not in old_names]
    if missing:
        raise UserKeyError(
            f'The checkpoint lacks {len(missing)} weights: {missing[:5]} ...'
        )
    for new, old in old_names.items():
        if new not in expected:
            raise UserKeyError(
                f'Weight {quoted(old)} becomes {quoted(new)}, which the model does not '
                'have.'
            )
        problem = weight_problem(new, tensors[old], expected[new])
        if problem is not None:
            raise UserValueError(
                f'Weight {quoted(old)} {problem} as {quoted(new)} of the model. Is the '
                'checkpoint of another variant?'
            )


def split_counters(
    weights: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Part counters of batch norm, which frozen norms do not have, from the rest."""
    counters = {n: v for n, v in weights.items() if n.endswith('num_batches_tracked')}
    return counters, {n: v for n, v in weights.items() if n not in counters}


def _pattern(beginning: str) -> re.Pattern:
    return re.compile(re.escape(beginning).replace(r'\#', r'(\d+)'))


def _with_numbers(beginning: str) -> Callable[[re.Match], str]:
    """Fill the numbers that were found into the other beginning."""

    def fill(match: re.Match) -> str:
        parts = beginning.split('#')
        pairs = zip(parts, [*match.groups(), ''], strict=True)
        return ''.join(part + number for part, number in pairs)

    return fill
