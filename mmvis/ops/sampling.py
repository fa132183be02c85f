"""Bilinear sampling as a weighted sum of rows.

A feature map with channels last is a table with one row per pixel. A bilinear
sample is a weighted sum of four rows, and so is any mean of samples, with more
rows. ``embedding_bag`` computes such sums, and their gradients, without ever
storing the gathered rows.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ['clamped_taps', 'corner_rows', 'weighted_row_sums', 'zero_padded_taps']

#: Of one axis: lower and upper pixel, and the weight of each.
Taps = tuple[Tensor, Tensor, Tensor, Tensor]


def clamped_taps(pos: Tensor, size: int) -> Taps:
    """Find the two pixels around each coordinate, with RoIAlign's border rule.

    Coordinates in [-1, 0] and [size - 1, size] count as the border pixel, those
    further outside (and NaN) have weight 0.

    Args:
        pos (Tensor): Coordinates on one axis, in pixels whose centres are the
            integers, any shape.
        size (int): Pixels of the axis.

    Returns:
        Taps: Lower pixel, upper pixel (int64), lower weight, upper weight, each
        of the shape of ``pos``.
    """
    inside = (pos >= -1) & (pos <= size)
    pos = torch.where(inside, pos, 0).clamp(0, size - 1)
    low = pos.floor()
    upper_weight = (pos - low) * inside
    lower_weight = (1 - (pos - low)) * inside
    low = low.long()
    return low, (low + 1).clamp(max=size - 1), lower_weight, upper_weight


def zero_padded_taps(pos: Tensor, size: int) -> Taps:
    """Find the two pixels around each coordinate; pixels outside weigh nothing.

    The rule of deformable convolution, differentiable with respect to ``pos``: at
    an integer the slope is that of the cell above it, as in mmcv's operator.

    Args:
        pos (Tensor): Coordinates on one axis, in pixels whose centres are the
            integers, any shape.
        size (int): Pixels of the axis.

    Returns:
        Taps: As of :func:`clamped_taps`.
    """
    inside = (pos > -1) & (pos < size)
    pos = torch.where(inside, pos, 0)
    low = pos.detach().floor()
    fraction = pos - low
    low = low.long()
    lower_weight = (1 - fraction) * (inside & (low >= 0))
    upper_weight = fraction * (inside & (low + 1 < size))
    return low.clamp(min=0), (low + 1).clamp(max=size - 1), lower_weight, upper_weight


def corner_rows(
    first_row: Tensor, y_taps: Taps, x_taps: Taps, width: int
) -> tuple[Tensor, Tensor]:
    """Combine the taps of both axes into four table rows and their weights.

    Args:
        first_row (Tensor): Row of pixel (0, 0) of each sample's map, int64, any
            shape that broadcasts with the taps.
        y_taps (Taps): Taps along the height, of shape S.
        x_taps (Taps): Taps along the width, of shape S.
        width (int): Width of the maps in pixels.

    Returns:
        tuple: Rows (int64) and weights, both of shape S with a last axis of 4.
    """
    y_low, y_high, y_low_weight, y_high_weight = y_taps
    x_low, x_high, x_low_weight, x_high_weight = x_taps
    upper_line = first_row + y_low * width
    lower_line = first_row + y_high * width
    rows = torch.stack(
        (
            upper_line + x_low,
            upper_line + x_high,
            lower_line + x_low,
            lower_line + x_high,
        ),
        dim=-1,
    )
    weights = torch.stack(
        (
            y_low_weight * x_low_weight,
            y_low_weight * x_high_weight,
            y_high_weight * x_low_weight,
            y_high_weight * x_high_weight,
        ),
        dim=-1,
    )
    return rows, weights


def weighted_row_sums(
    table: Tensor, rows: Tensor, weights: Tensor, bag_starts: Tensor | None = None
) -> Tensor:
    """Sum rows of a table with weights, one sum per bag.

    Args:
        table (Tensor): Rows to sum, shape (R, C).
        rows (Tensor): Rows of each bag, int64; shape (bags, entries), or, with
            ``bag_starts``, all bags one after the other.
        weights (Tensor): Weight of each entry, of the shape of ``rows``.
        bag_starts (Tensor | None): First entry of each bag, shape (bags,).
            Defaults to None.

    Returns:
        Tensor: The sums, shape (bags, C).
    """
    if rows.numel() == 0:
        num_bags = len(rows) if bag_starts is None else len(bag_starts)
        # Keeps the graph, so that the gradient is zero rather than absent.
        return table[:0].sum() + table.new_zeros(num_bags, table.shape[1])
    return F.embedding_bag(
        rows, table, bag_starts, mode='sum', per_sample_weights=weights
    )
