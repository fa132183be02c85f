"""Parity with the official evaluator; see ``tests/data/golden/ytvis_eval``."""

import copy
import gzip
import hashlib
import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from mmvis.evaluation.functional import IOU_THRS, evaluate_ytvis

GOLDEN = Path(__file__).parents[2] / 'data' / 'golden' / 'ytvis_eval'
QUIRKS = {row['name']: row for row in json.loads((GOLDEN / 'quirks.json').read_text())}
SCORED = sorted(name for name, row in QUIRKS.items() if row.get('stats'))


def read(path):
    return json.loads(gzip.decompress(path.read_bytes()))


@pytest.fixture(scope='module', params=['small', 'medium'])
def case(request):
    folder = GOLDEN / f'case_{request.param}'
    gt, results = read(folder / 'gt.json.gz'), read(folder / 'pred.json.gz')
    expected = json.loads((folder / 'expected.json').read_text())
    return gt, results, expected, evaluate_ytvis(gt, results)


def test_stats_equal_the_official_ones(case):
    _, _, expected, scores = case
    assert scores.stats() == pytest.approx(expected['stats'], abs=1e-12)
    assert list(scores.stats()) == list(expected['stats'])


def test_categories_equal_the_official_ones(case):
    _, _, expected, scores = case
    assert scores.cat_ids == expected['cat_ids']
    per_category = scores.per_category()
    assert [str(cat_id) for cat_id in per_category] == list(expected['per_category'])
    for cat_id, values in per_category.items():
        wanted = expected['per_category'][str(cat_id)]
        assert values == pytest.approx(wanted, abs=1e-12)


def test_arrays_equal_the_official_ones(case):
    _, _, expected, scores = case
    precision = scores.precision.mean(1)
    np.testing.assert_allclose(precision, expected['precision_mean_TKAM'], atol=1e-11)
    np.testing.assert_allclose(scores.recall, expected['recall_TKAM'], atol=1e-11)
    rounded = np.round(scores.precision, 9) + 0.0
    digest = hashlib.sha256(rounded.astype('<f8').tobytes()).hexdigest()
    assert digest == expected['precision_sha256']


def test_one_category_for_all_equals_the_official_use_cats_0(case):
    gt, results, expected, _ = case
    scores = evaluate_ytvis(gt, results, use_cats=False)
    assert scores.stats() == pytest.approx(expected['stats_useCats0'], abs=1e-12)
    assert scores.cat_ids == [-1]


def test_input_is_left_as_it_was():
    folder = GOLDEN / 'case_small'
    gt, results = read(folder / 'gt.json.gz'), read(folder / 'pred.json.gz')
    before = copy.deepcopy((gt, results))
    evaluate_ytvis(gt, results)
    is_unchanged = (gt, results) == before  # apart: pytest's diff of it takes hours
    assert is_unchanged


@pytest.mark.parametrize('name', SCORED)
def test_quirk_scores_as_officially(name):
    row = QUIRKS[name]
    stats = evaluate_ytvis(row['gt'], row['pred']).stats()
    assert stats == pytest.approx(row['stats'], abs=1e-12)


def test_there_are_27_scored_quirks():
    assert len(QUIRKS) == 32
    assert len(SCORED) == 27


def test_long_videos_are_measured_in_parts(case, monkeypatch):
    gt, results, expected, _ = case
    module = importlib.import_module('mmvis.evaluation.functional.pairs')
    monkeypatch.setattr(module, '_MAX_MASKS', 40)
    scores = evaluate_ytvis(gt, results)
    assert scores.stats() == pytest.approx(expected['stats'], abs=1e-12)


def test_no_predictions_is_zero_where_there_is_ground_truth():
    folder = GOLDEN / 'case_small'
    scores = evaluate_ytvis(read(folder / 'gt.json.gz'), [])
    assert scores.stats()['AP'] == 0
    assert scores.stats()['AR100'] == 0
    assert scores.per_category()[7]['AP'] == -1
    assert scores.precision.shape == (len(IOU_THRS), 101, 5, 4, 3)


def test_unknown_video_is_named():
    row = QUIRKS['unknown_video']
    with pytest.raises(ValueError, match=r'results\[0\]\.video_id: 9 is not a video'):
        evaluate_ytvis(row['gt'], row['pred'])
