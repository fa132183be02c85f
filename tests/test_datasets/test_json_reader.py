import json

import pytest

from mmvis.datasets.json_reader import read_json_object


def write(tmp_path, text):
    path = tmp_path / 'a.json'
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize('indent', [None, 2])
def test_reads_what_json_reads(tmp_path, indent):
    content = {
        'info': {'n': [1, 2.5, None]},
        'annotations': [{'id': 1}, [], 'text ] , {'],
        'videos': [],
        'ü': 'é',
    }
    path = write(tmp_path, json.dumps(content, indent=indent))
    assert read_json_object(path) == content
    assert read_json_object(path, {'annotations': lambda i, x: x}) == content
    assert list(read_json_object(path)) == list(content)


def test_replaces_elements_one_by_one(tmp_path):
    path = write(tmp_path, '{"a": [10, 20], "b": [30], "c": null}')
    compact = {'a': lambda i, x: (i, x), 'c': lambda i, x: x}
    assert read_json_object(path, compact) == dict(a=[(0, 10), (1, 20)], b=[30], c=None)


@pytest.mark.parametrize('text', ['{}', ' {\n} '])
def test_empty_object(tmp_path, text):
    assert read_json_object(write(tmp_path, text)) == {}


@pytest.mark.parametrize(
    'text',
    [
        '',
        'not json',
        '{"a": [1, 2',
        '{"a": [1 2]}',
        '{"a" 1}',
        '{"a": 1,}',
        '{"a": 1} {',
        '{a: 1}',
        '{"a": [1,]}',
    ],
)
def test_what_is_not_json_is_named_with_its_place(tmp_path, text):
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=r'a\.json is not JSON: .* at line 1, column'):
        read_json_object(path, {'a': lambda i, x: x})


def test_array_is_refused_as_results_file(tmp_path):
    with pytest.raises(ValueError, match=r'got an array\. Is it a results file'):
        read_json_object(write(tmp_path, '[{"score": 1}]'))


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / 'a.json'
    path.write_bytes(b'\xff\xfe\x00\x80')
    with pytest.raises(ValueError, match=r'a\.json is not JSON: it is not UTF-8'):
        read_json_object(str(path))


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'gone\.json" does not exist'):
        read_json_object(str(tmp_path / 'gone.json'))
