import gzip
import json
from pathlib import Path

import pytest

from mmvis.evaluation import evaluate_ytvis, make_report
from mmvis.evaluation.short_long import find_long_videos, keep_videos

SMALL = Path(__file__).parents[1] / 'data' / 'golden' / 'ytvis_eval' / 'case_small'


@pytest.fixture(scope='module')
def case():
    names = ('gt.json.gz', 'pred.json.gz')
    return [json.loads(gzip.decompress((SMALL / name).read_bytes())) for name in names]


@pytest.fixture(scope='module')
def expected():
    return json.loads((SMALL / 'expected.json').read_text())


def test_report_holds_the_official_numbers(case, expected):
    content = make_report(*case).as_json()
    per_category = content.pop('per_category')
    assert content == pytest.approx(expected['stats'], abs=1e-12)
    assert list(per_category) == list(expected['per_category'])


def test_tables_show_percent_and_leave_out_empty_categories(case):
    table = make_report(*case).tables({4: 'duck', 7: 'nothing'})
    assert '| all    | 34.7 | 46.3 | 32.6 |' in table
    assert '| 4  | duck' in table
    assert 'nothing' not in table


def test_category_names_are_escaped_for_the_terminal(case):
    table = make_report(*case).tables({4: '\x1b[2J\x1b]0;title\x07duck'})
    assert r'\x1b[2J\x1b]0;title\x07duck' in table
    assert table.replace('\n', '').isprintable()


def test_short_and_long_videos_count_half_each(case):
    gt, results = case
    lengths = sorted(video['length'] for video in gt['videos'])
    long_ids = find_long_videos(gt, min_long_len=lengths[4])
    assert {v['id'] for v in gt['videos'] if v['length'] >= lengths[4]} == long_ids
    stats = make_report(gt, results, long_ids).flat_stats()
    all_ids = {video['id'] for video in gt['videos']}
    short = evaluate_ytvis(*keep_videos(gt, results, all_ids - long_ids)).stats()
    long = evaluate_ytvis(*keep_videos(gt, results, long_ids)).stats()
    assert stats['AP_S'] == short['AP'] != stats['AP_L'] == long['AP']
    assert stats['AP'] == (short['AP'] + long['AP']) / 2
    assert stats['AR10'] == (short['AR10'] + long['AR10']) / 2


def test_short_videos_are_known_by_their_folders(case):
    gt = case[0]
    short = dict(videos=[dict(gt['videos'][k], id=1000 + k) for k in (0, 3)])
    ids = {gt['videos'][0]['id'], gt['videos'][3]['id']}
    long_ids = find_long_videos(gt, short_gt=short)
    assert long_ids == {video['id'] for video in gt['videos']} - ids


def test_rules_that_find_one_kind_only_are_refused(case):
    with pytest.raises(ValueError, match='0 of 9 videos are long by this rule'):
        find_long_videos(case[0], min_long_len=1000)
    with pytest.raises(ValueError, match='got neither'):
        find_long_videos(case[0])
