import copy
import gc
import json

import pytest

from mmvis.structures.results_json import parse_results, read_results, to_json

GT = dict(
    videos=[dict(id=7, height=4, width=5, length=2)], categories=[dict(id=3, name='a')]
)


@pytest.fixture
def results():
    masks = [dict(size=[4, 5], counts='0d0'), None]
    entry = dict(video_id=7, category_id=3, score=1, segmentations=masks)
    return [entry, copy.deepcopy(entry)]


def parse(results, **options):
    return parse_results(json.dumps(results).encode(), GT, 'r.json', **options)


def test_results_are_read_back_unchanged(results, tmp_path):
    (tmp_path / 'r.json').write_text(json.dumps(results))
    assert read_results(tmp_path / 'r.json', GT) == results
    assert parse([]) == []


BAD = {
    'score of NaN': (lambda r: r.update(score=float('nan')), r'score: not JSON: NaN'),
    'huge score': (
        lambda r: r.update(score=10**400),
        r'score: the number is too large',
    ),
    'score is a flag': (lambda r: r.update(score=True), r'score: .* number, got True'),
    'unknown video': (lambda r: r.update(video_id=8), r'video_id: 8 is none of the 1'),
    'video as text': (
        lambda r: r.update(video_id='7'),
        r"video_id: .* got '7'",
    ),
    'label for id': (
        lambda r: r.update(category_id=0),
        r'category_id: 0 .* Labels must',
    ),
    'too few masks': (lambda r: r['segmentations'].pop(), r'segmentations: 1 entries'),
    'mask is []': (
        lambda r: r['segmentations'].__setitem__(0, []),
        r'segmentations\[0\]: expected an object or null, got \[\]',
    ),
    'mask of another size': (
        lambda r: r['segmentations'][0].update(size=[5, 4]),
        r'segmentations\[0\]\.size: \[5, 4\] given',
    ),
    'uncompressed': (
        lambda r: r['segmentations'][0].update(counts=[20]),
        r'segmentations\[0\]\.counts: expected a string, got \[20\]',
    ),
    'other letters': (
        lambda r: r['segmentations'][0].update(counts='0\u4e2d'),
        r"segmentations\[0\]\.counts: the RLE has the character '\u4e2d'",
    ),
    'too few pixels': (
        lambda r: r['segmentations'][0].update(counts='0a0'),
        r'segmentations\[0\]\.counts: the RLE describes 17 pixels instead of 20',
    ),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_results_are_one_error(results, case):
    edit, message = BAD[case]
    edit(results[1])
    with pytest.raises(ValueError, match=rf'^r\.json: \[1\]\.{message}'):
        parse(results)
    assert gc.isenabled()


def test_what_the_official_evaluator_takes_passes_if_not_strict(results):
    results[0]['category_id'] = 17
    results[0]['segmentations'] = [dict(size=[1, 2], counts='2')]
    assert parse(results, is_strict=False) == results


def test_annotations_are_no_results(results):
    with pytest.raises(ValueError, match=r'r\.json: .* got an object with the keys'):
        parse(dict(videos=[], annotations=[]))


def test_keys_that_occur_twice_are_refused(results):
    text = json.dumps(results)
    for key in ('"score"', '"counts"', '"size"'):
        twice = text.replace(key, f'{key}: 1, {key}', 1)
        with pytest.raises(ValueError, match=rf"\[0\].*: the key '{key[1:-1]}' occurs"):
            parse_results(twice.encode(), GT, 'r.json')


@pytest.mark.parametrize('value', [b'1', {1, 2}, 10**5000], ids=['bytes', 'set', 'int'])
def test_values_that_json_cannot_represent_are_named(value):
    with pytest.raises(ValueError, match=r'gt: .* expected what a json file can hold'):
        to_json(dict(areas=[value]), 'gt')
