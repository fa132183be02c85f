import gzip
import json

import pytest

from mmvis.evaluation.json_files import read_ground_truth, read_json_file
from mmvis.testing import make_tiny_vis


def test_any_json_is_read(tmp_path):
    (tmp_path / 'a').write_bytes(gzip.compress(b'[1, {"b": null}]'))
    assert read_json_file(tmp_path / 'a') == [1, {'b': None}]


def test_missing_and_damaged_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'There is no such file.*x\.json'):
        read_json_file(tmp_path / 'x.json')
    (tmp_path / 'x.json').write_text('[1, 2')
    with pytest.raises(ValueError, match=r'x\.json: \[1\]: not JSON'):
        read_json_file(tmp_path / 'x.json')


@pytest.fixture
def with_id_0(tmp_path):
    path = make_tiny_vis(tmp_path)
    content = json.loads(path.read_text())
    for annotation, new_id in zip(content['annotations'], (5, 0, 1, 2), strict=True):
        annotation['id'] = new_id
    path.write_text(json.dumps(content))
    return path


def test_annotation_id_0_gets_an_unused_id(with_id_0, monkeypatch):
    lines = []
    monkeypatch.setattr(
        'mmvis.evaluation.json_files.print_log', lambda text, **_: lines.append(text)
    )
    gt = read_ground_truth(with_id_0)
    assert [a['id'] for a in gt['annotations']] == [5, 3, 1, 2]
    assert len(lines) == 1
    assert 'train.json: annotation id 0 is scored as id 3' in lines[0]


def test_annotation_id_0_stays_for_the_official_score(with_id_0):
    gt = read_ground_truth(with_id_0, is_strict=False)
    assert [a['id'] for a in gt['annotations']] == [5, 0, 1, 2]


@pytest.mark.parametrize('field', ['iscrowd', 'areas'])
def test_fields_that_scoring_needs(with_id_0, field):
    content = json.loads(with_id_0.read_text())
    del content['annotations'][1][field]
    with_id_0.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=rf'annotations\[1\]\.{field}: missing'):
        read_ground_truth(with_id_0)


def test_masks_of_all_kinds_become_the_same_rle(tmp_path):
    kinds = ('compressed', 'uncompressed', 'polygon')
    compressed, *others = (
        read_ground_truth(make_tiny_vis(tmp_path / kind, kind=kind)) for kind in kinds
    )
    assert others == [compressed, compressed]
