"""RoIAlign in plain PyTorch, with the numbers of mmcv's compiled operator."""

from collections.abc import Callable

import torch
from torch import Tensor

from mmvis.errors import UserValueError
from mmvis.ops.mmcv_ext import has_compiled_ops
from mmvis.ops.roi_grid import RoIGrid, SamplingPoints
from mmvis.ops.sampling import clamped_taps, corner_rows, weighted_row_sums

__all__ = ['roi_align', 'roi_align_max', 'roi_align_torch']

# Sampling points (four table rows each) that are worked on together: bounds the
# memory of the index arithmetic to about 150 MB.
_MAX_POINTS = 1_000_000

# What the compiled operator gives for the maximum of no samples.
_EMPTY_MAX = -10000.0


def roi_align(
    inputs: Tensor,
    rois: Tensor,
    output_size: int | tuple[int, int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = 0,
    pool_mode: str = 'avg',
    aligned: bool = True,
) -> Tensor:
    """Pool each region of interest into a grid of bins, sampling bilinearly.

    Mask R-CNN (He et al., ICCV 2017), Sec. 3. Uses mmcv's compiled operator where
    there is one. Half precision is computed in float32.

    Args:
        inputs (Tensor): Feature maps, shape (B, C, H, W).
        rois (Tensor): Regions as (batch index, x1, y1, x2, y2), shape (N, 5); the
            coordinates in pixels of the image. No gradient flows to them.
        output_size (int | tuple[int, int]): Bins as (height, width).
        spatial_scale (float): Pixels of the map per pixel of the image. Defaults
            to 1.0.
        sampling_ratio (int): Samples per bin and axis; 0 takes one per started
            pixel of the map. Defaults to 0.
        pool_mode (str): 'avg' or 'max' over the samples of a bin. Defaults to
            'avg'.
        aligned (bool): Whether pixel centres lie at half coordinates; if not, a
            region has at least one pixel. Defaults to True.

    Returns:
        Tensor: Pooled features, shape (N, C, height, width), dtype of ``inputs``.

    Raises:
        ValueError: If a shape, ``sampling_ratio`` or ``pool_mode`` is none of
            those above.
    """
    _check(inputs, rois, sampling_ratio, pool_mode)
    if isinstance(output_size, int):
        output_size = (output_size, output_size)
    dtype = torch.promote_types(inputs.dtype, torch.float32)
    args = (output_size, spatial_scale, sampling_ratio, pool_mode, aligned)
    if has_compiled_ops():
        from mmcv.ops.roi_align import roi_align as compiled_roi_align

        pooled = compiled_roi_align(inputs.to(dtype), rois.to(dtype), *args)
    else:
        pooled = roi_align_torch(inputs.to(dtype), rois.to(dtype), *args)
    return pooled.to(inputs.dtype)


def roi_align_torch(
    inputs: Tensor,
    rois: Tensor,
    output_size: tuple[int, int],
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: str,
    aligned: bool,
) -> Tensor:
    """Compute :func:`roi_align` without compiled code.

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
        pool(table, grid.points(part), (H, W)) for part in grid.chunks(_MAX_POINTS)
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
    slots = (counts.cumsum(0) - counts)[:, None] + rank  # (bins, S)
    slots = torch.where(rank < counts[:, None], slots, len(points.y))
    maxima = samples[slots].max(dim=1)
    chosen = slots.gather(1, maxima.indices)
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


def _check(inputs: Tensor, rois: Tensor, sampling_ratio: int, pool_mode: str) -> None:
    if inputs.dim() != 4:
        raise UserValueError(
            f'inputs must have shape (B, C, H, W), got {tuple(inputs.shape)}.'
        )
    if rois.dim() != 2 or rois.shape[1] != 5:
        raise UserValueError(
            'rois must have shape (N, 5), each (batch index, x1, y1, x2, y2), got '
            f'{tuple(rois.shape)}. Put the batch index before the box.'
        )
    if sampling_ratio < 0:
        raise UserValueError(
            f'sampling_ratio must be 0 (adaptive) or more, got {sampling_ratio}.'
        )
    if pool_mode not in ('avg', 'max'):
        raise UserValueError(f"pool_mode must be 'avg' or 'max', got {pool_mode!r}.")
