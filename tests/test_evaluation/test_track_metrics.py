import sys

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmvis.errors import UserValueError
from mmvis.evaluation.track_metrics import TRACK_METRICS, evaluate_tracks

SIZE, T = (24, 32), 4


def box(x, w=8):
    mask = np.zeros(SIZE, dtype=np.uint8, order='F')
    mask[6:18, x : x + w] = 1
    return mask_utils.encode(mask)


LEFT, RIGHT = box(2), box(20)
GT = dict(
    videos=[
        dict(
            id=v, height=SIZE[0], width=SIZE[1], file_names=[f'a/{t}' for t in range(T)]
        )
        for v in (3, 5)
    ],
    categories=[dict(id=1, name='Cat'), dict(id=2, name='dog'), dict(id=9, name='x')],
    annotations=[
        dict(id=0, video_id=3, category_id=1, iscrowd=0, segmentations=[LEFT] * T),
        dict(id=7, video_id=5, category_id=2, iscrowd=0, segmentations=[RIGHT] * T),
    ],
)


def row(video_id, category_id, masks, score=0.9):
    return dict(
        video_id=video_id, category_id=category_id, score=score, segmentations=masks
    )


DOG = row(5, 2, [RIGHT] * T)


@pytest.fixture(autouse=True)
def needs_trackeval():
    pytest.importorskip('trackeval')


def test_perfect_tracks_score_one():
    numbers = evaluate_tracks(GT, [row(3, 1, [LEFT] * T), DOG])
    assert tuple(numbers) == TRACK_METRICS
    assert numbers == pytest.approx(dict.fromkeys(TRACK_METRICS, 1.0))


def test_a_track_that_is_cut_in_two_loses_its_association():
    halves = [row(3, 1, [LEFT, LEFT, None, None]), row(3, 1, [None, None, LEFT, LEFT])]
    numbers = evaluate_tracks(GT, [*halves, DOG])
    # The cat's: each of 4 matches shares its identity with 2 of 4 frames.
    assert numbers['DetA'] == pytest.approx(1)
    assert numbers['AssA'] == pytest.approx((0.5 + 1) / 2)
    assert numbers['HOTA'] == pytest.approx((np.sqrt(0.5) + 1) / 2)
    assert numbers['IDF1'] == pytest.approx((0.5 + 1) / 2)
    assert numbers['J'] == pytest.approx((0.5 + 1) / 2)
    assert numbers['TrackMAP'] == pytest.approx((0.1 * 1 + 1) / 2, abs=0.06)


def test_masks_that_are_half_right():
    numbers = evaluate_tracks(GT, [row(3, 1, [box(6)] * T), DOG])  # IoU 1/3
    assert numbers['J'] == pytest.approx((1 / 3 + 1) / 2)
    assert numbers['TrackMAP'] == pytest.approx(0.5)
    assert numbers['HOTA'] == pytest.approx((6 / 19 + 1) / 2)  # of 0.05, 0.1, ...


def test_each_object_counts_once_and_above_the_threshold():
    perfect = [row(3, 1, [LEFT] * T), DOG]
    second_class = row(3, 2, [LEFT] * T, score=0.5)
    unsure = row(5, 2, [LEFT] * T, score=0.1)
    numbers = evaluate_tracks(GT, [*perfect, second_class, unsure])
    assert numbers['HOTA'] == pytest.approx(1)
    assert numbers['IDF1'] == pytest.approx(1)
    assert evaluate_tracks(GT, [*perfect, unsure], score_thr=0)['IDF1'] < 1


def test_no_results_score_zero():
    numbers = evaluate_tracks(GT, [])
    assert numbers['HOTA'] == numbers['IDF1'] == numbers['J&F'] == 0


def test_what_is_missing_is_named(monkeypatch):
    with pytest.raises(UserValueError, match='no annotation'):
        evaluate_tracks(dict(GT, annotations=[]), [])
    monkeypatch.setitem(sys.modules, 'trackeval', None)
    with pytest.raises(UserValueError, match='pip install --no-deps trackeval'):
        evaluate_tracks(GT, [])
