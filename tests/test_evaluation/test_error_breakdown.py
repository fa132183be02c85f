import gzip
import json

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmvis.evaluation import evaluate_ytvis
from mmvis.evaluation.error_breakdown import break_down_errors
from mmvis.testing import find_golden

SIZE = (20, 30)
T = 4


def box(x, y=5, w=10, h=10):
    mask = np.zeros(SIZE, dtype=np.uint8, order='F')
    mask[y : y + h, x : x + w] = 1
    return mask_utils.encode(mask)


LEFT, RIGHT, NOWHERE = box(0), box(18), box(12, y=17, w=3, h=3)
CLOSE = box(4)  # IoU of 60 / 140 with LEFT


def track(*masks, **fields):
    return dict(segmentations=list(masks) * (T // len(masks)), **fields)


def ground_truth(*annotations):
    return dict(
        videos=[dict(id=7, length=T)],
        categories=[dict(id=1, name='cat'), dict(id=2, name='dog')],
        annotations=[
            dict(annotation, id=number, video_id=7, iscrowd=0)
            for number, annotation in enumerate(annotations, start=10)
        ],
    )


GT = ground_truth(track(LEFT, category_id=1), track(RIGHT, category_id=2))


def results(*tracks):
    return [dict(item, video_id=7) for item in tracks]


PERFECT = results(
    track(LEFT, category_id=1, score=0.9), track(RIGHT, category_id=2, score=0.8)
)


def judge(*wrong):
    found = break_down_errors(GT, [*PERFECT[:1], *results(*wrong)])
    (video,) = found.videos
    return found, video


def test_perfect_results_have_no_errors():
    found = break_down_errors(GT, PERFECT)
    assert found.ap50 == pytest.approx(1)
    assert set(found.gains.values()) == {0}
    assert set(found.counts.values()) == {0}
    assert found.videos[0].kinds == {0: 'true', 1: 'true'}
    assert found.videos[0].quality == 1


@pytest.mark.parametrize(
    ('wrong', 'kind'),
    [
        (track(RIGHT, category_id=1, score=0.5), 'class'),
        (track(box(23, w=4), category_id=2, score=0.5), 'mask'),
        (track(LEFT, LEFT, RIGHT, RIGHT, category_id=2, score=0.5), 'switch'),
    ],
)
def test_an_error_that_hides_a_track_costs_its_category(wrong, kind):
    found, video = judge(wrong)
    assert video.kinds == {0: 'true', 1: kind}
    assert found.ap50 == pytest.approx(0.5)  # one of two categories
    assert found.gains.pop(kind) == pytest.approx(0.5)
    assert set(found.gains.values()) == {0}
    assert found.counts[kind] == 1
    assert video.missed == []
    assert video.quality == 0.5


@pytest.mark.parametrize(
    ('wrong', 'kind'),
    [
        (track(LEFT, category_id=1, score=0.95), 'duplicate'),
        (track(NOWHERE, category_id=1, score=0.95), 'background'),
    ],
)
def test_a_superfluous_result_above_a_true_one_halves_the_precision(wrong, kind):
    true = [dict(PERFECT[0], score=0.9), PERFECT[1]]
    found = break_down_errors(GT, [*results(wrong), *true])
    first, second = (found.videos[0].kinds[index] for index in (0, 1))
    if kind == 'duplicate':  # the better scored of two equal tracks is the true one
        assert (first, second) == ('true', 'duplicate')
        assert found.ap50 == pytest.approx(1)
    else:
        assert (first, second) == ('background', 'true')
        assert found.ap50 == pytest.approx(0.75)  # precision 1/2 and 1
        assert found.gains['background'] == pytest.approx(0.25)


def test_tracks_without_any_result_are_missed():
    found, video = judge()
    assert video.missed == [11]
    assert found.counts['missed'] == 1
    assert found.gains['missed'] == pytest.approx(0.5)


def test_a_result_at_iou_below_one_half_is_a_mask_error_not_a_match():
    found = break_down_errors(GT, results(track(CLOSE, category_id=1, score=0.9)))
    (video,) = found.videos
    assert video.kinds == {0: 'mask'}
    assert video.ious[0] == pytest.approx(60 / 140)
    assert found.ap50 == 0


def test_crowds_take_any_number_of_results_and_count_nothing():
    gt = ground_truth(track(LEFT, category_id=1), track(RIGHT, category_id=2))
    gt['annotations'][1]['iscrowd'] = 1
    twice = [PERFECT[1], dict(PERFECT[1], score=0.3)]
    found = break_down_errors(gt, [PERFECT[0], *twice])
    assert list(found.videos[0].kinds.values()) == ['true', 'ignored', 'ignored']
    assert found.ap50 == pytest.approx(1)


def test_low_scores_are_left_out():
    low = results(track(NOWHERE, category_id=1, score=0.01))
    assert break_down_errors(GT, PERFECT + low, score_thr=0.1).counts['background'] == 0
    assert break_down_errors(GT, PERFECT + low).counts['background'] == 1


def test_empty_results_miss_everything():
    found = break_down_errors(GT, [])
    assert found.ap50 == 0
    assert found.counts['missed'] == 2
    assert found.gains['missed'] == 0  # no track is left, so no AP is defined: 0


def compressed(mask, size):
    """Compressed RLE of polygons and of lists of runs."""
    if isinstance(mask, list):
        return mask_utils.merge(mask_utils.frPyObjects(mask, *size))
    is_runs = isinstance(mask['counts'], list)
    return mask_utils.frPyObjects(mask, *mask['size']) if is_runs else mask


def test_ap50_is_that_of_the_official_evaluator():
    case = {
        name: json.loads(
            gzip.decompress(
                find_golden(f'ytvis_eval/case_medium/{name}.json.gz').read_bytes()
            )
        )
        for name in ('gt', 'pred')
    }
    sizes = {v['id']: (v['height'], v['width']) for v in case['gt']['videos']}
    for annotation in case['gt']['annotations']:
        size = sizes[annotation['video_id']]
        annotation['segmentations'] = [
            mask and compressed(mask, size) for mask in annotation['segmentations']
        ]
    expected = evaluate_ytvis(case['gt'], case['pred']).stats()['AP50']
    found = break_down_errors(case['gt'], case['pred'])
    assert found.ap50 == pytest.approx(expected, abs=1e-9)
    assert all(gain >= -1e-9 for gain in found.gains.values())
