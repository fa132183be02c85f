"""Implementation of RoIAlign in plain PyTorch."""

from collections.abc import Callable

import torch
from torch import Tensor

from mmvis import memory_limits
from mmvis.ops.roi_grid import RoIGrid, SamplingPoints
from mmvis.ops.sampling import clamped_taps, corner_rows, weighted_row_sums

__all__ = ['roi_align_max', 'roi_align_torch']

# What the compiled operator gives for the maximum of no samples.
_EMPTY_MAX = -10000.0


def roi_align_torch(
    inputs: Tensor,
    rois: Tensor,
    output_size: tuple[int, int],
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: str,
    aligned: bool,
) -> Tensor:
    """Compute :func:`mmvis.ops.roi_align` without compiled code.

    Memory besides the output: 48 bytes per sampling point (N * bins * samples per
    bin), independent of C; in 'max' mode C floats per sampling point.

    Args:
        inputs (Tensor): Feature maps, float32 or float64, shape (B, C, H, W).
        rois (Tensor): Regions, shape (N, 5), of the same dtype.
        output_size (tuple[int, int]): As of :func:`roi_align`.
        spatial_scale (float): As of :func:`roi_align`.
        sampling_ratio (int): As of :func:`roi_align`.
        pool_mode (str): As of :func:`roi_align`.
        aligned (bool): As of :func:`roi_align`.

    Returns:
        Tensor: Pooled features, shape (N, C, height, width).
    """
    grid = RoIGrid(rois.detach(), output_size, spatial_scale, sampling_ratio, aligned)
    pool = _mean_of_bins if pool_mode == 'avg' else _max_of_bins
    return _pool_regions(inputs, grid, pool)[0]


def roi_align_max(
    inputs: Tensor,
    rois: Tensor,
    output_size: tuple[int, int],
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool,
) -> tuple[Tensor, ...]:
    """Compute RoIAlign in 'max' mode, with the place of each maximum.

    Args:
        inputs (Tensor): As of :func:`roi_align_torch`.
        rois (Tensor): As of :func:`roi_align_torch`.
        output_size (tuple[int, int]): As of :func:`roi_align`.
        spatial_scale (float): As of :func:`roi_align`.
        sampling_ratio (int): As of :func:`roi_align`.
        aligned (bool): As of :func:`roi_align`.

    Returns:
        tuple: Maxima, and y and x of the samples that gave them in pixels of the
        map (-1 where a bin has no sample), each (N, C, height, width).
    """
    grid = RoIGrid(rois.detach(), output_size, spatial_scale, sampling_ratio, aligned)
    return _pool_regions(inputs, grid, _max_of_bins)


def _pool_regions(inputs: Tensor, grid: RoIGrid, pool: Callable) -> tuple[Tensor, ...]:
    """Pool the bins of all regions, some regions at a time."""
    B, C, H, W = inputs.shape
    table = inputs.permute(0, 2, 3, 1).reshape(B * H * W, C)
    parts = [
        pool(table, grid.points(part), (H, W))
        for part in grid.chunks(memory_limits.SAMPLING_POINTS_AT_ONCE)
    ]
    if not parts:
        parts = [(table[:0],) * 3]  # no regions, yet part of the graph
    shape = (len(grid.starts), *grid.output_size, C)
    return tuple(
        torch.cat(bins).reshape(shape).permute(0, 3, 1, 2).contiguous()
        for bins in zip(*parts)
    )


def _mean_of_bins(table: Tensor, points: SamplingPoints, size: tuple) -> tuple[Tensor]:
    """Average the samples of each bin, in one weighted sum of rows: (bins, C)."""
    rows, weights = _bilinear_rows(points, size)
    entries = 4 * points.bin_counts
    starts = entries.cumsum(0) - entries
    sums = weighted_row_sums(table, rows.flatten(), weights.flatten(), starts)
    return (sums / points.bin_counts.clamp(min=1)[:, None],)


def _max_of_bins(
    table: Tensor, points: SamplingPoints, size: tuple
) -> tuple[Tensor, Tensor, Tensor]:
    """Find the first largest sample of each bin, and its y and x: (bins, C) each."""
    samples = weighted_row_sums(table, *_bilinear_rows(points, size))  # (P, C)
    samples = torch.cat((samples, samples.new_full((1, samples.shape[1]), _EMPTY_MAX)))
    counts = points.bin_counts
    rank = torch.arange(max(1, int(counts.max())), device=counts.device)
    sample_inds = (counts.cumsum(0) - counts)[:, None] + rank  # (bins, S)
    sample_inds = torch.where(rank < counts[:, None], sample_inds, len(points.y))
    maxima = samples[sample_inds].max(dim=1)
    chosen = sample_inds.gather(1, maxima.indices)
    y, x = (torch.cat((axis, axis.new_full((1,), -1))) for axis in (points.y, points.x))
    return maxima.values, y[chosen], x[chosen]


def _bilinear_rows(points: SamplingPoints, size: tuple) -> tuple[Tensor, Tensor]:
    """Find the four table rows of each point, and their weights: (P, 4) each."""
    height, width = size
    return corner_rows(
        points.batch_inds * (height * width),
        clamped_taps(points.y, height),
        clamped_taps(points.x, width),
        width,
    )
