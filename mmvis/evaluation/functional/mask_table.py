"""Table of the masks of all tracks of a video, as runs of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, compress
from operator import itemgetter

import numpy as np

from mmvis.errors import UserValueError
from mmvis.structures.rle_runs import (
    ForegroundRuns,
    cache_sized_parts,
    first_invalid_rle,
    first_problem,
    foreground_runs,
)

__all__ = ['MaskTable', 'check_masks', 'mean_mask_areas']


class MaskTable:
    """The masks of N tracks of a video, decoded into runs.

    Pixels are numbered down the columns, as in RLE, and on from frame to frame.

    Args:
        tracks (list[list]): Per track a compressed RLE or None per frame.

    Attributes:
        is_regular (bool): Whether all tracks have the same number of frames T, and
            all masks the same size. If not, only ``tracks`` is set.
        size (list[int] | None): That size, [h, w]; None if there are no masks.
        areas (np.ndarray): Areas in pixels, integers, shape (N, T); 0 for no mask.
        boxes (np.ndarray): Bounding boxes (x1, y1, x2, y2) in pixels, integers, shape
            (4, N, T); 0 for no mask.
        edges (np.ndarray): First pixel of each run of foreground, and the one after
            its last, of all tracks in one row, integers, ascending within a track.
        ends (np.ndarray): Where the edges of each track end in the row, after a 0
            for the first one, shape (N + 1,).
        filled (np.ndarray): Pixels of foreground in all runs before each one, and in
            all of them.

    Raises:
        ValueError: If a mask is not as many pixels as its size says.
    """

    def __init__(self, tracks: list[list]) -> None:
        self.tracks = tracks
        num_frames = len(tracks[0])
        entries = list(chain.from_iterable(tracks))
        masks = list(filter(None, entries))
        sizes = list(map(itemgetter('size'), masks))
        self.size: list[int] | None = sizes[0] if sizes else None
        self.is_regular = sizes.count(self.size) == len(sizes) and all(
            len(track) == num_frames for track in tracks
        )
        if not self.is_regular:
            check_masks(tracks)
        elif masks:
            counts = list(map(itemgetter('counts'), masks))
            places = np.fromiter(compress(range(len(entries)), entries), dtype=int)
            self._decode(counts, sizes[0], places, num_frames)
        else:
            self.areas = np.zeros((len(tracks), num_frames), dtype=int)
            self.boxes = np.zeros((4, len(tracks), num_frames), dtype=int)
            self.edges, self.filled = np.zeros(0, dtype=int), np.zeros(1, dtype=int)
            self.ends: np.ndarray = np.zeros(len(tracks) + 1, dtype=int)

    def _decode(
        self, counts: list, size: list[int], places: np.ndarray, num_frames: int
    ) -> None:
        """Decode the masks at some places of the row of all frames of all tracks."""
        pixels = size[0] * size[1]
        runs = _runs(counts, [size] * len(counts))
        starts, stops, sizes = runs
        owner, frame_ids = np.divmod(places, num_frames)
        run_ends = np.cumsum(sizes)
        firsts = run_ends - sizes
        self.filled = _filled(runs)
        areas = np.zeros(len(self.tracks) * num_frames, dtype=starts.dtype)
        areas[places] = self.filled[run_ends] - self.filled[firsts]
        self.areas = areas.reshape(len(self.tracks), num_frames)
        has_runs = sizes > 0
        boxes = np.zeros((4, areas.size), dtype=starts.dtype)
        boxes[:, places[has_runs]] = _boxes(starts, stops, firsts[has_runs], size[0])
        self.boxes = boxes.reshape(4, *self.areas.shape)
        num_runs = np.bincount(owner, sizes, len(self.tracks))
        self.ends = np.append(0, 2 * np.cumsum(num_runs.astype(int)))
        # Small numbers pass through the cache faster.
        dtype = np.int32 if num_frames * pixels < 2**31 else np.int64
        first_pixels = np.repeat((frame_ids * pixels).astype(dtype), sizes)
        self.edges = np.empty(2 * len(starts), dtype=dtype)
        np.add(starts, first_pixels, out=self.edges[0::2])
        np.add(stops, first_pixels, out=self.edges[1::2])

    def mean_areas(self) -> np.ndarray:
        """Mean mask area of each track over its frames that are not empty.

        Returns:
            np.ndarray: Areas in pixels, shape (N,); 0 for tracks without foreground.
        """
        if not self.is_regular:
            return mean_mask_areas(self.tracks)
        return self.areas.sum(1) / np.maximum((self.areas > 0).sum(1), 1)


def _boxes(
    starts: np.ndarray, stops: np.ndarray, firsts: np.ndarray, height: int
) -> np.ndarray:
    """Boxes (4, n) of n masks with the given runs, of which the first ones are told."""
    if len(firsts) == 0:
        return np.zeros((4, 0))
    first_cols, last_cols = starts // height, (stops - 1) // height
    tops, bottoms = starts - first_cols * height, stops - 1 - last_cols * height
    is_over = np.flatnonzero(first_cols < last_cols)  # runs on into the next column
    tops[is_over], bottoms[is_over] = 0, height - 1
    lasts = np.append(firsts[1:], len(starts)) - 1
    return np.stack(
        [
            first_cols[firsts],
            np.minimum.reduceat(tops, firsts),
            last_cols[lasts] + 1,
            np.maximum.reduceat(bottoms, firsts) + 1,
        ]
    )


def mean_mask_areas(tracks: list[list]) -> np.ndarray:
    """Mean mask area of each track over its frames that are not empty.

    Args:
        tracks (list[list]): Per track a compressed RLE or None per frame.

    Returns:
        np.ndarray: Areas in pixels, shape (N,); 0 for tracks without foreground.

    Raises:
        ValueError: If a mask is not as many pixels as its size says.
    """
    counts, sizes = _masks(tracks)
    areas = np.zeros(len(counts))
    for part in cache_sized_parts(counts):
        runs = _runs(counts[part], sizes[part])
        filled = _filled(runs)
        ends = np.cumsum(runs.sizes)
        areas[part] = filled[ends] - filled[ends - runs.sizes]
    num_masks = [sum(map(bool, track)) for track in tracks]
    owner = np.repeat(np.arange(len(tracks)), num_masks)
    sums = np.bincount(owner, areas, len(tracks))
    return sums / np.maximum(np.bincount(owner, areas > 0, len(tracks)), 1)


def check_masks(tracks: list[list]) -> None:
    """Check the masks of tracks that are not decoded into a table.

    Args:
        tracks (list[list]): Per track a compressed RLE or None per frame.

    Raises:
        ValueError: If a mask is not as many pixels as its size says; with some of
            them pycocotools never returns.
    """
    counts, sizes = _masks(tracks)
    problem = first_invalid_rle(counts, np.array([h * w for h, w in sizes]))
    if problem is not None:
        index, text = problem
        raise _invalid_mask(counts[index], sizes[index], text)


def _masks(tracks: list[list]) -> tuple[list[str | bytes], list[list[int]]]:
    """Counts and sizes of all masks of some tracks."""
    masks = list(filter(None, chain.from_iterable(tracks)))
    return list(map(itemgetter('counts'), masks)), list(map(itemgetter('size'), masks))


def _runs(counts: Sequence[str | bytes], sizes: Sequence[list[int]]) -> ForegroundRuns:
    """Decode and check some masks."""
    pixels = np.array([h * w for h, w in sizes])
    runs = foreground_runs(counts, pixels)
    if runs is None:
        index, problem = first_problem(counts, pixels)
        raise _invalid_mask(counts[index], sizes[index], problem)
    return runs


def _filled(runs: ForegroundRuns) -> np.ndarray:
    """Pixels of foreground in all runs before each one, and in all of them."""
    filled = np.zeros(len(runs.starts) + 1, dtype=np.int64)
    np.cumsum(runs.stops - runs.starts, out=filled[1:])
    return filled


def _invalid_mask(counts: str | bytes, size: list[int], problem: str) -> UserValueError:
    return UserValueError(
        f'A mask of size {size} is no valid RLE: it {problem}: {counts!r:.60}.'
    )
