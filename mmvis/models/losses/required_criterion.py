"""Losses that a head must have in training."""

from __future__ import annotations

from torch import nn

from mmvis.errors import UserValueError

__all__ = ['required_criterion']


def required_criterion(
    criterion: nn.Module | None, head: str = 'model.head'
) -> nn.Module:
    """Return the criterion of a head.

    Args:
        criterion (nn.Module | None): Its matching and losses.
        head (str): Where the head is in a config. Defaults to 'model.head'.

    Raises:
        ValueError: If it has none.
    """
    if criterion is None:
        raise UserValueError(
            f'`{head}.criterion` is None, so there is no loss to train with. Set it as '
            'in configs/_base_/models.'
        )
    return criterion
