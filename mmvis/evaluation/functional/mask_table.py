"""Table of the masks of all tracks of a video, as runs of pixels."""

from __future__ import annotations

from itertools import chain, compress
from operator import itemgetter

import numpy as np
from pycocotools import mask as mask_utils

from mmvis.errors import UserValueError
from mmvis.structures.rle import decode_runs, first_invalid_rle

__all__ = ['MaskTable', 'mean_mask_areas']

# pycocotools 2.0.11 on numpy 2 raises OverflowError in `area` from 256 masks on.
_CHUNK = 255


class MaskTable:
    """The masks of N tracks of a video, decoded into runs.

    Pixels are numbered down the columns, as in RLE, and on from frame to frame.

    Args:
        tracks (list[list]): Per track a compressed RLE or None per frame.

    Attributes:
        is_regular (bool): Whether all tracks have the same number of frames T, and
            all masks the same size. If not, only ``tracks`` is set.
        size (list[int] | None): That size, [h, w]; None if there are no masks.
        areas (np.ndarray): Areas in pixels, float64, shape (N, T); 0 for no mask.
        boxes (np.ndarray): Bounding boxes (x1, y1, x2, y2) in pixels, float64, shape
            (4, N, T); 0 for no mask.
        edges (np.ndarray): First pixel of each run of foreground, and the one after
            its last, of all tracks in one row, float64, ascending within a track.
        ends (np.ndarray): Where the edges of each track end in the row, after a 0
            for the first one, shape (N + 1,).

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
        counts = list(map(itemgetter('counts'), masks))
        if not self.is_regular:
            _raise_if_invalid(counts, sizes)
        elif masks:
            places = np.fromiter(compress(range(len(entries)), entries), dtype=int)
            self._decode(counts, sizes[0], places, num_frames)
        else:
            self.areas = np.zeros((len(tracks), num_frames))
            self.boxes = np.zeros((4, len(tracks), num_frames))
            self.edges = np.zeros(0)
            self.ends: np.ndarray = np.zeros(len(tracks) + 1, dtype=int)

    def _decode(
        self, counts: list, size: list[int], places: np.ndarray, num_frames: int
    ) -> None:
        """Decode the masks at some places of the row of all frames of all tracks."""
        pixels = size[0] * size[1]
        owner, frame_ids = np.divmod(places, num_frames)
        runs, sizes = decode_runs(counts)
        lasts = np.cumsum(sizes) - 1
        is_valid = bool(sizes.all()) and runs.min() >= 0
        # Each mask begins at its frame, not where the mask before it ended.
        starts = frame_ids * pixels
        runs[lasts + 1 - sizes] += np.diff(starts, prepend=-pixels) - pixels
        edges = np.cumsum(runs)
        if not is_valid or (edges[lasts] != starts + pixels).any():
            _raise_if_invalid(counts, [size] * len(counts))
        # A last run of background has no edge of foreground after it.
        is_edge = np.ones(len(edges), dtype=bool)
        is_edge[lasts[sizes % 2 == 1]] = False
        self.edges = edges[is_edge].astype(float)
        run_ends = np.cumsum(sizes // 2)  # of the foreground runs of each mask
        filled = np.append(0, np.cumsum(self.edges[1::2] - self.edges[0::2]))
        areas = np.zeros(len(self.tracks) * num_frames)
        areas[places] = np.diff(filled[run_ends], prepend=0)
        self.areas = areas.reshape(len(self.tracks), num_frames)
        num_runs = np.bincount(owner, sizes // 2, len(self.tracks))
        self.ends = np.append(0, 2 * np.cumsum(num_runs.astype(int)))
        has_runs = sizes > 1
        boxes = np.zeros((4, areas.size))
        boxes[:, places[has_runs]] = self._boxes(
            (run_ends - sizes // 2)[has_runs], frame_ids[has_runs], size
        )
        self.boxes = boxes.reshape(4, *self.areas.shape)

    def _boxes(
        self, firsts: np.ndarray, frame_ids: np.ndarray, size: list[int]
    ) -> np.ndarray:
        """Boxes (4, n) of the masks whose foreground runs begin at the given ones."""
        if len(firsts) == 0:
            return np.zeros((4, 0))
        height, width = size
        first_pixels, last_pixels = self.edges[0::2], self.edges[1::2] - 1
        first_cols = np.floor(first_pixels / height)
        last_cols = np.floor(last_pixels / height)
        tops = first_pixels - first_cols * height
        bottoms = last_pixels - last_cols * height
        is_over = np.flatnonzero(first_cols < last_cols)  # runs on into the next column
        tops[is_over], bottoms[is_over] = 0, height - 1
        lasts = np.append(firsts[1:], len(tops)) - 1
        return np.stack(
            [
                first_cols[firsts] - frame_ids * width,
                np.minimum.reduceat(tops, firsts),
                last_cols[lasts] - frame_ids * width + 1,
                np.maximum.reduceat(bottoms, firsts) + 1,
            ]
        )

    def mean_areas(self) -> np.ndarray:
        """Mean mask area of each track over its frames that are not empty.

        Returns:
            np.ndarray: Areas in pixels, shape (N,); 0 for tracks without foreground.
        """
        if not self.is_regular:
            return mean_mask_areas(self.tracks)
        return self.areas.sum(1) / np.maximum((self.areas > 0).sum(1), 1)


def mean_mask_areas(tracks: list[list]) -> np.ndarray:
    """Mean mask area of each track over its frames that are not empty.

    Args:
        tracks (list[list]): Per track a compressed RLE or None per frame.

    Returns:
        np.ndarray: Areas in pixels, shape (N,); 0 for tracks without foreground.
    """
    masks = [mask for track in tracks for mask in track if mask]
    if not masks:
        return np.zeros(len(tracks))
    parts = [
        mask_utils.area(masks[start : start + _CHUNK])
        for start in range(0, len(masks), _CHUNK)
    ]
    areas = np.concatenate(parts).astype(float)
    num_masks = [sum(map(bool, track)) for track in tracks]
    owner = np.repeat(np.arange(len(tracks)), num_masks)
    sums = np.bincount(owner, areas, len(tracks))
    return sums / np.maximum(np.bincount(owner, areas > 0, len(tracks)), 1)


def _raise_if_invalid(counts: list[str | bytes], sizes: list[list[int]]) -> None:
    """Name the first corrupted mask; with some of them pycocotools never returns."""
    problem = first_invalid_rle(counts, np.array([h * w for h, w in sizes]))
    if problem is not None:
        raise UserValueError(
            f'A mask of size {sizes[problem[0]]} is no valid RLE: it {problem[1]}: '
            f'{counts[problem[0]]!r:.60}.'
        )
