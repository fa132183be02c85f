"""Stratified split of videos into training and validation."""

import numpy as np

from mmvis.errors import UserValueError

__all__ = ['split_videos']


def split_videos(counts: np.ndarray, val_fraction: float, seed: int = 0) -> np.ndarray:
    """Choose validation videos that hold their share of every category.

    Iterative stratification (Sechidis et al., ECML PKDD 2011, Algorithm 1): of the
    categories with videos left, the rarest comes first; its videos go, one by one,
    to the side that lacks most of it. Differs from the original: a video counts
    with all its instances of a category; a category that two videos have goes to
    validation first, since AP is a mean over categories; and the number of
    validation videos is exact.

    Args:
        counts (np.ndarray): Instances of each category in each video, integers,
            shape (V, K).
        val_fraction (float): Wanted share of validation, between 0 and 1.
        seed (int): Seed of the order in which equal videos come. Defaults to 0.

    Returns:
        np.ndarray: Whether a video is for validation, bool, shape (V,). Both sides
        have at least one video.

    Raises:
        ValueError: If ``val_fraction`` is not between 0 and 1, or if there are
            fewer than two videos.
    """
    if not 0 < val_fraction < 1:
        raise UserValueError(
            f'val_fraction must be between 0 and 1, both excluded; got {val_fraction}'
        )
    num_videos = len(counts)
    if num_videos < 2:
        raise UserValueError(f'a split needs at least two videos, got {num_videos}')
    num_val = min(max(round(val_fraction * num_videos), 1), num_videos - 1)
    totals = counts.sum(axis=0)
    wanted_val = val_fraction * totals
    wanted = np.stack([totals - wanted_val, wanted_val])  # (2, K)
    needs_first = np.count_nonzero(counts, axis=0) >= 2
    num_left = np.array([num_videos - num_val, num_val])

    is_val = np.zeros(num_videos, dtype=bool)
    left = np.random.default_rng(seed).permutation(num_videos)
    while len(left) > 0:
        chosen, category = _videos_of_rarest_category(counts, left)
        for video in chosen:
            if category is None or num_left.min() <= 0:
                side = int(num_left.argmax())
            elif needs_first[category]:
                side = 1
            else:
                side = int(wanted[1, category] > wanted[0, category])
            is_val[video] = side == 1
            needs_first &= ~((counts[video] > 0) & is_val[video])
            wanted[side] -= counts[video]
            num_left[side] -= 1
        left = left[~np.isin(left, chosen)]
    return is_val


def _videos_of_rarest_category(
    counts: np.ndarray, left: np.ndarray
) -> tuple[np.ndarray, int | None]:
    """Choose what comes next; videos without an instance come last.

    Returns:
        tuple[np.ndarray, int | None]: Indices of the videos, in the order of
        ``left``, and the category, None if they have no instance.
    """
    remaining = counts[left].sum(axis=0)
    if not remaining.any():
        return left, None
    category = int(np.where(remaining > 0, remaining, remaining.max() + 1).argmin())
    return left[counts[left, category] > 0], category
