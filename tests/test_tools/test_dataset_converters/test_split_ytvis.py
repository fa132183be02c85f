import json
import re
import runpy
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / 'tools' / 'dataset_converters' / 'split_ytvis.py'


@pytest.fixture
def split(monkeypatch):
    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, arguments)])
        runpy.run_path(str(TOOL), run_name='__main__')

    return run


@pytest.fixture
def content():
    size = dict(height=4, width=5)
    videos = [
        dict(size, id=10 + i, file_names=['a.jpg'], length=1, note='kept')
        for i in range(10)
    ]
    annotations = [
        dict(
            id=i,
            video_id=10 + i // 2,
            category_id=3 + 4 * (i % 2),
            segmentations=[dict(size=[4, 5], counts=[i, 20 - i])],
            areas=[20 - i],
        )
        for i in range(20)
    ]
    categories = [dict(id=3, name='cat'), dict(id=7, name='dog')]
    return dict(
        info=dict(year=2019),
        videos=videos,
        categories=categories,
        annotations=annotations,
    )


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / 'all.json'
        path.write_text(json.dumps(content))
        return path

    return write


def test_both_jsons_keep_every_entry_as_it_was(split, write, content, tmp_path):
    split(write(content), '--val-fraction', '0.3')
    train = json.loads((tmp_path / 'all_train.json').read_text())
    val = json.loads((tmp_path / 'all_val.json').read_text())
    assert len(val['videos']) == 3
    for name in ('videos', 'annotations'):
        joined = sorted(train[name] + val[name], key=lambda entry: entry['id'])
        assert joined == content[name]
    for part in (train, val):
        assert part['info'] == content['info']
        assert part['categories'] == content['categories']
        ids = {video['id'] for video in part['videos']}
        assert {a['video_id'] for a in part['annotations']} == ids


def test_table_counts_the_instances(split, write, content, capsys, tmp_path):
    split(write(content), '--val-fraction', '0.3', '--out-dir', tmp_path / 'new')
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ['cat', '7', '3', '0.300'] in lines
    assert ['videos', '7', '3', '0.300'] in lines
    names = sorted(path.name for path in (tmp_path / 'new').iterdir())
    assert names == ['all_train.json', 'all_val.json']


def _drop_annotations(content):
    del content['annotations']


def _unknown_category(content):
    content['annotations'][4]['category_id'] = 9


def _unknown_video(content):
    content['annotations'][4]['video_id'] = 1


def _no_video_id(content):
    del content['annotations'][2]['video_id']


def _twin_videos(content):
    content['videos'][1]['id'] = 10


def _one_video(content):
    content['videos'] = content['videos'][:1]
    content['annotations'] = content['annotations'][:2]


@pytest.mark.parametrize(
    ('spoil', 'message'),
    [
        (_drop_annotations, '"annotations" is missing or empty'),
        (_unknown_category, r'annotations\[4\].category_id: 9 is none'),
        (_unknown_video, r'annotations\[4\].video_id: 1 is none'),
        (_no_video_id, r'annotations\[2\].video_id: missing'),
        (_twin_videos, r'videos\[1\].id: expected an id that no earlier entry has'),
        (_one_video, 'at least two videos, got 1'),
    ],
)
def test_bad_json_is_one_error_and_writes_nothing(
    split, write, content, tmp_path, spoil, message, capsys
):
    spoil(content)
    with pytest.raises(SystemExit, match='2'):
        split(write(content))
    assert re.search(rf'^error: .*{message}', capsys.readouterr().err)
    assert [path.name for path in tmp_path.iterdir()] == ['all.json']


def test_missing_file_is_named(split, tmp_path, capsys):
    with pytest.raises(SystemExit, match='2'):
        split(tmp_path / 'absent.json')
    assert 'absent.json' in capsys.readouterr().err
