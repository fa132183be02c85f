"""Rename the weights of a checkpoint by a table of patterns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from torch import Tensor

from mmvis.errors import UserKeyError, UserValueError

__all__ = ['check_complete', 'rename']


def rename(
    tensors: Mapping[str, Tensor],
    table: Sequence[tuple[str, str]],
    dropped: Sequence[str] = (),
) -> dict[str, str]:
    """Find the new name of every weight.

    Args:
        tensors (Mapping[str, Tensor]): Weights by their old names.
        table (Sequence[tuple[str, str]]): Pairs of a regular expression for the
            beginning of an old name and its replacement; the first that matches
            is applied.
        dropped (Sequence[str]): Names that mmvis has no use for.

    Returns:
        dict[str, str]: Old name by new name.

    Raises:
        KeyError: If a name is in none of them, or two get the same new name.
    """
    patterns = [(re.compile(old), new) for old, new in table]
    old_names: dict[str, str] = {}
    for old in tensors:
        if old in dropped:
            continue
        new = next((p.sub(r, old, count=1) for p, r in patterns if p.match(old)), None)
        if new is None:
            raise UserKeyError(
                f'Unknown weight "{old}" in the checkpoint: this converter has no '
                'place for it. Is it a checkpoint of the method that it was made for?'
            )
        if new in old_names:
            raise UserKeyError(
                f'Weights "{old_names[new]}" and "{old}" both become "{new}".'
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
                f'Weight "{old}" becomes "{new}", which the model does not have.'
            )
        given, wanted = tuple(tensors[old].shape), tuple(expected[new].shape)
        if given != wanted:
            raise UserValueError(
                f'Weight "{old}" has shape {given}, but "{new}" of the model has '
                f'{wanted}. Is the checkpoint of another variant?'
            )
