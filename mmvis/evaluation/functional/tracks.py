"""Ground truth and predictions as arrays, in the order of the protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmvis.errors import UserValueError
from mmvis.evaluation.functional.mask_table import check_masks
from mmvis.structures.rle import compress

__all__ = [
    'TrackSet',
    'index_ground_truth',
    'index_results',
    'mean_area',
]


@dataclass
class TrackSet:
    """Tracks sorted by group; a group is a (category, video) pair.

    Attributes:
        groups (np.ndarray): ``category index * number of videos + video index``,
            ascending, shape (N,).
        segmentations (list): Per track its list of masks, one per frame.
        ids (np.ndarray): Annotation ids of the ground truth, shape (N,); places
            in the results file for predictions.
        scores (np.ndarray): Scores of predictions, shape (N,); zeros for the
            ground truth.
        crowds (np.ndarray): Crowd flags, bool, shape (N,).
        areas (np.ndarray): Mean areas in square pixels, shape (N,).
        ranks (np.ndarray): Places within the group, from 0, shape (N,).
    """

    groups: np.ndarray
    segmentations: list[list]
    ids: np.ndarray
    scores: np.ndarray
    crowds: np.ndarray
    areas: np.ndarray
    ranks: np.ndarray

    def group_slices(self) -> dict[int, slice]:
        """Return where each group that is not empty lies."""
        groups, starts = np.unique(self.groups, return_index=True)
        ends = np.append(starts[1:], len(self.groups))
        return {
            int(group): slice(int(start), int(end))
            for group, start, end in zip(groups, starts, ends)
        }


def mean_area(areas: list) -> float:
    """Mean of the areas that are neither null nor zero; 0 if there are none."""
    visible = [area for area in areas if area]
    return float(np.mean(visible)) if visible else 0.0


def _ranks(groups: np.ndarray) -> np.ndarray:
    """Return each track's place in its group; groups (N,) are sorted."""
    _, starts, sizes = np.unique(groups, return_index=True, return_counts=True)
    return np.arange(len(groups)) - np.repeat(starts, sizes)


def index_ground_truth(
    gt: Mapping, video_index: dict, cat_index: dict, num_groups_per_cat: int
) -> TrackSet:
    """Sort the annotations of a ground-truth json by group.

    The order within a group is that of the file. Of two annotations under one
    id the later one is taken twice, as the official evaluator does.

    Args:
        gt (Mapping): The parsed json.
        video_index (dict): Video id -> place in ascending order.
        cat_index (dict): Category id -> place in ascending order, or 0 for all.
        num_groups_per_cat (int): Number of videos.

    Returns:
        TrackSet: The annotations of known videos and categories.
    """
    annotations = gt.get('annotations', [])
    by_id = {annotation['id']: annotation for annotation in annotations}
    cat_order = {cat_id: place for place, cat_id in enumerate(sorted(cat_index))}
    keyed = []
    for place, annotation in enumerate(annotations):
        track = by_id[annotation['id']]
        video, cat = track['video_id'], track['category_id']
        if video in video_index and cat in cat_index:
            group = cat_index[cat] * num_groups_per_cat + video_index[video]
            keyed.append((group, cat_order[cat], place, track))
    keyed.sort(key=lambda item: item[:3])
    groups = np.array([item[0] for item in keyed], dtype=np.int64)
    tracks = [item[-1] for item in keyed]
    videos = {video['id']: video for video in gt['videos']}
    segmentations = []
    for track in tracks:
        video = videos[track['video_id']]
        segmentations.append(
            [
                compress(mask, video['height'], video['width']) if mask else None
                for mask in track['segmentations']
            ]
        )
    return TrackSet(
        groups=groups,
        segmentations=segmentations,
        ids=np.array([track['id'] for track in tracks], dtype=np.int64),
        scores=np.zeros(len(tracks)),
        crowds=np.array([track['iscrowd'] for track in tracks], dtype=bool),
        areas=np.array([mean_area(track['areas']) for track in tracks], dtype=float),
        ranks=_ranks(groups),
    )


def index_results(
    results: Sequence[Mapping],
    video_index: dict,
    cat_index: dict,
    num_groups_per_cat: int,
    max_dets: int,
) -> TrackSet:
    """Sort the entries of a results file by group, then by descending score.

    Equal scores keep the order of the file (by category first, where all
    categories count as one). Areas are left at 0.

    Args:
        results (Sequence[Mapping]): The parsed json.
        video_index (dict): Video id -> place in ascending order.
        cat_index (dict): Category id -> place in ascending order, or 0 for all.
        num_groups_per_cat (int): Number of videos.
        max_dets (int): Predictions kept per group.

    Returns:
        TrackSet: The predictions of known categories that can count.

    Raises:
        ValueError: If a prediction is of a video that the ground truth lacks, or an
            RLE of one that does not count is corrupted.
    """
    video_ids = [result['video_id'] for result in results]
    if not video_index.keys() >= set(video_ids):
        place = next(i for i, v in enumerate(video_ids) if v not in video_index)
        raise UserValueError(
            f'results[{place}].video_id: {video_ids[place]!r} is not a video of the '
            'ground truth; were these results made for another split?'
        )
    cat_ids = [result['category_id'] for result in results]
    places = [i for i, cat_id in enumerate(cat_ids) if cat_id in cat_index]
    kept, cat_ids = [results[i] for i in places], [cat_ids[i] for i in places]
    cats = np.array([cat_index[cat_id] for cat_id in cat_ids], dtype=np.int64)
    videos = np.array([video_index[video_ids[i]] for i in places], dtype=np.int64)
    scores = np.array([result['score'] for result in kept], dtype=float)
    groups = cats * num_groups_per_cat + videos
    order = np.lexsort((cat_ids, -scores, groups)) if kept else cats
    ranks = _ranks(groups[order])
    is_left_out = ranks >= max_dets
    check_masks([kept[i]['segmentations'] for i in order[is_left_out].tolist()])
    order, ranks = order[~is_left_out], ranks[~is_left_out]
    return TrackSet(
        groups=groups[order],
        segmentations=[kept[i]['segmentations'] for i in order.tolist()],
        ids=np.array(places, dtype=np.int64)[order],
        scores=scores[order],
        crowds=np.zeros(len(order), dtype=bool),
        areas=np.zeros(len(order)),
        ranks=ranks,
    )
