"""Selection of one result row per object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

__all__ = ['one_row_per_object']


def one_row_per_object(
    results: Sequence[Mapping],
    score_thr: float,
    inds: Iterable[int] | None = None,
) -> list[int]:
    """Choose the best row of each object.

    Rows of one object with several classes share their masks.

    Args:
        results (Sequence[Mapping]): The checked results.
        score_thr (float): Rows with a lower score are left out.
        inds (Iterable[int], optional): Rows to choose from. Defaults to None: all.

    Returns:
        list[int]: Indices of the chosen rows, by descending score.
    """
    inds = range(len(results)) if inds is None else inds
    seen, kept = set(), []
    for index in sorted(inds, key=lambda index: -results[index]['score']):
        row = results[index]
        masks = tuple(mask and mask['counts'] for mask in row['segmentations'])
        key = (row['video_id'], masks)
        if row['score'] >= score_thr and key not in seen:
            seen.add(key)
            kept.append(index)
    return kept
