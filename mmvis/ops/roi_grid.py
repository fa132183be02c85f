"""Sampling points of RoIAlign."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ['RoIGrid', 'SamplingPoints']


class SamplingPoints(NamedTuple):
    """Sampling points of some regions, bin after bin.

    Attributes:
        batch_inds (Tensor): Feature map of each point, int64, shape (P,).
        y (Tensor): Coordinate in pixels of the map, shape (P,).
        x (Tensor): The same along the width, shape (P,).
        bin_counts (Tensor): Points of each bin, int64, shape (N*bins,).
    """

    batch_inds: Tensor
    y: Tensor
    x: Tensor
    bin_counts: Tensor


class RoIGrid:
    """Regions divided into bins, and bins into samples.

    The order of the arithmetic is that of mmcv's operator, so that a sample falls
    on the same side of a border.

    Args:
        rois (Tensor): Regions (batch index, x1, y1, x2, y2), shape (N, 5).
        output_size (tuple[int, int]): Bins as (height, width).
        spatial_scale (float): Pixels of the map per pixel of the image.
        sampling_ratio (int): Samples per bin and axis; 0 takes one per started
            pixel of the map.
        aligned (bool): Whether pixel centres lie at half coordinates.
    """

    def __init__(
        self,
        rois: Tensor,
        output_size: tuple[int, int],
        spatial_scale: float,
        sampling_ratio: int,
        aligned: bool,
    ) -> None:
        self.output_size = output_size
        self.sampling_ratio = sampling_ratio
        self.batch_inds = rois[:, 0].long()
        corners = rois[:, 1:] * spatial_scale - (0.5 if aligned else 0.0)
        self.starts = corners[:, [1, 0]]  # (N, 2), as (y, x) like all below
        sizes = corners[:, [3, 2]] - self.starts
        if not aligned:
            sizes = sizes.clamp(min=1)
        self.bin_sizes = sizes / sizes.new_tensor(output_size)
        if sampling_ratio > 0:
            self.counts = torch.full_like(sizes, sampling_ratio, dtype=torch.long)
        else:
            self.counts = self.bin_sizes.ceil().clamp(min=0).long()

    def chunks(self, max_points: int) -> Iterator[slice]:
        """Divide the regions into runs of at most ``max_points`` points.

        Args:
            max_points (int): Points of one run; a larger region is a run alone.

        Yields:
            slice: Regions of one run.
        """
        begin = points = 0
        for n, more in enumerate(self._points_per_roi()):
            if n > begin and points + more > max_points:
                yield slice(begin, n)
                begin, points = n, 0
            points += more
        if begin < len(self.starts):
            yield slice(begin, len(self.starts))

    def points(self, part: slice) -> SamplingPoints:
        """List the sampling points of some regions.

        Args:
            part (slice): The regions.

        Returns:
            SamplingPoints: Their points, ordered by region, bin (row by row) and
            sample (row by row).
        """
        counts = self.counts[part]
        num_bins = self.output_size[0] * self.output_size[1]
        per_bin = counts.prod(1)
        per_roi = per_bin * num_bins
        n = torch.arange(len(counts), device=counts.device).repeat_interleave(per_roi)
        rank = torch.arange(len(n), device=n.device) - (per_roi.cumsum(0) - per_roi)[n]
        bins, samples = rank // per_bin[n], rank % per_bin[n]
        bin_yx = _divide(bins, self.output_size[1])
        sample_yx = _divide(samples, counts[n, 1])
        y, x = (
            self.starts[part][n, axis]
            + bin_yx[axis] * self.bin_sizes[part][n, axis]
            + (sample_yx[axis] + 0.5) * self.bin_sizes[part][n, axis] / counts[n, axis]
            for axis in (0, 1)
        )
        return SamplingPoints(
            self.batch_inds[part][n], y, x, per_bin.repeat_interleave(num_bins)
        )

    def _points_per_roi(self) -> list[int]:
        num_bins = self.output_size[0] * self.output_size[1]
        if self.sampling_ratio > 0:  # known without asking the device
            return [num_bins * self.sampling_ratio**2] * len(self.counts)
        return (self.counts.prod(1) * num_bins).tolist()


def _divide(index: Tensor, width: int | Tensor) -> tuple[Tensor, Tensor]:
    """Split a row-by-row index into row and column."""
    return index // width, index % width
