import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmvis.evaluation.functional import pairs
from mmvis.evaluation.functional.pairs import find_pairs
from mmvis.evaluation.functional.tracks import index_ground_truth, index_results


def random_tracks(rng, num_tracks):
    """Tracks of two frames in three videos and two categories."""
    tracks = []
    for n in range(1, num_tracks + 1):
        masks = rng.random((6, 9, 2)) < rng.choice([0.4, 0.9])
        rles = mask_utils.encode(np.asfortranarray(masks, np.uint8))
        tracks.append(
            dict(
                id=n,
                video_id=int(rng.integers(1, 4)),
                category_id=int(rng.integers(1, 3)),
                iscrowd=0,
                areas=[int(masks[..., t].sum()) for t in range(2)],
                score=float(rng.random()),
                segmentations=[
                    dict(rle, counts=rle['counts'].decode()) for rle in rles
                ],
            )
        )
    return tracks


@pytest.fixture
def sets():
    """Make predictions and ground truth; video 3 has none in category 2."""

    def make():
        rng = np.random.default_rng(0)
        videos = [dict(id=i, height=6, width=9, length=2) for i in (1, 2, 3)]
        annotations = random_tracks(rng, 30)
        gt = dict(
            videos=videos,
            annotations=[
                a for a in annotations if (a['video_id'], a['category_id']) != (3, 2)
            ],
        )
        index = {1: 0, 2: 1, 3: 2}, {1: 0, 2: 1}, 3
        results = random_tracks(rng, 60)
        return index_results(results, *index, 100), index_ground_truth(gt, *index)

    return make


def sorted_pairs(found):
    return sorted(zip(*(part.tolist() for part in found)))


@pytest.mark.parametrize('num_jobs', [2, 3, 50])
def test_processes_find_the_same_pairs_and_areas(sets, num_jobs):
    dets, gts = sets()
    expected = sorted_pairs(find_pairs(dets, gts))
    assert len(expected) > 20
    assert (dets.areas > 0).all()
    others, _ = sets()
    assert sorted_pairs(find_pairs(others, gts, num_jobs)) == expected
    assert (others.areas == dets.areas).all()


def test_an_error_of_a_process_is_raised(sets):
    dets, gts = sets()
    group = np.flatnonzero(dets.groups == gts.groups[0])
    dets.segmentations[group[0]][1]['counts'] = '54'
    with pytest.raises(ValueError, match='describes 9 pixels instead of 54'):
        find_pairs(dets, gts, 2)


def test_processes_get_about_as_many_tracks(sets):
    dets, _ = sets()
    shares = pairs._shares(dets, 2)
    sizes = [np.isin(dets.groups, share).sum() for share in shares]
    assert sum(sizes) == 60
    assert max(sizes) <= 36
