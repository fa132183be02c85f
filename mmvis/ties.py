"""Comparison of floats independent of rounding.

Two predictions with the same mask get soft IoUs that differ in the sixth digit, and
which one is larger depends on the order in which a processor sums. The functions here
treat numbers that are equal up to rounding as equal, and decide ties by a rule.
"""

from __future__ import annotations

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

__all__ = ['argmax', 'exceeds', 'match_pairs', 'rank', 'snap']

# Relative difference up to which numbers are equal. Sums of float32 over the pixels of
# a clip are exact to some 1e-6; no decision here rests on the fourth digit.
_TOLERANCE = 1e-4

# Of the preferences of `match_pairs`, and of the order. The first decides as soon as
# scores are equal, each next one where those before it are equal.
_WEIGHTS = (1e-5, 1e-8, 1e-11)


def snap(values: Tensor) -> Tensor:
    """Give values that are equal up to rounding the same value.

    Sorted, each value joins the next larger one if it is close to it; all that are
    joined get the largest of them.

    Args:
        values (Tensor): Any shape, not negative.

    Returns:
        Tensor: Double, the same shape.

    Example:
        >>> snap(torch.tensor([0.7714681, 0.3, 0.7714690]))
        tensor([0.7715, 0.3000, 0.7715], dtype=torch.float64)
    """
    ordered, order = values.detach().double().flatten().sort(descending=True)
    is_first = torch.ones_like(ordered, dtype=torch.bool)
    is_first[1:] = exceeds(ordered[:-1], ordered[1:])
    # The last position so far that is a first one; no question to the device.
    positions = torch.arange(len(ordered), device=ordered.device)
    largest = ordered[torch.where(is_first, positions, 0).cummax(0).values]
    return torch.empty_like(ordered).scatter_(0, order, largest).view(values.shape)


def exceeds(values: Tensor | float, threshold: Tensor | float) -> Tensor:
    """Whether values are above a threshold, and not only by rounding.

    Args:
        values (Tensor | float): Not negative.
        threshold (Tensor | float): Not negative, shape as of ``values`` or one number.

    Returns:
        Tensor: Bool; False where both are equal up to rounding.
    """
    return torch.as_tensor(values > threshold * (1 + _TOLERANCE))


def argmax(values: Tensor) -> Tensor:
    """Index of the largest value along the last axis, the first of equal ones.

    Args:
        values (Tensor): Shape (..., K), not negative.

    Returns:
        Tensor: Long, shape (...).
    """
    best = values.amax(-1, keepdim=True)
    return (~exceeds(best, values)).to(torch.uint8).argmax(-1)


def rank(values: Tensor) -> Tensor:
    """Indices along the first axis from large to small, equal ones in their order.

    Args:
        values (Tensor): Shape (N, ...), not negative.

    Returns:
        Tensor: Long, shape (N, ...).
    """
    return snap(values).argsort(dim=0, descending=True, stable=True)


def match_pairs(scores: Tensor, *preferences: Tensor) -> list[tuple[int, int]]:
    """Find the pairs of rows and columns with the largest total score.

    Of pairings whose totals are equal up to rounding the first preference chooses,
    then the second, then the order of rows and columns.

    Args:
        scores (Tensor): Shape (R, C); pairs with a score of 0 or less are not made.
        *preferences (Tensor): At most two, each in [0, 1], shape (R, C).

    Returns:
        list[tuple[int, int]]: Row and column of each pair, ascending by row.
    """
    scores = scores.detach().cpu()  # once: the assignment is made there
    is_pair = scores > 0
    R, C = scores.shape
    rows = torch.arange(R, 0, -1, dtype=torch.double)[:, None] / max(R, 1)
    columns = torch.arange(C, 0, -1, dtype=torch.double) / max(C, 1)
    order = rows * columns  # sums are largest if both ascend together
    totals = snap(scores * is_pair)
    for weight, preference in zip(_WEIGHTS, (*preferences, order)):
        totals = totals + weight * snap(preference.cpu().clamp(min=0))
    totals = torch.where(is_pair, totals, 0.0)
    pairs = zip(*linear_sum_assignment(totals.numpy(), maximize=True))
    return [(int(i), int(j)) for i, j in pairs if is_pair[i, j]]
