import copy
import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmvis.evaluation import validate_ground_truth, validate_results

QUIRKS = Path(__file__).parents[1] / 'data' / 'golden' / 'ytvis_eval' / 'quirks.json'
MALFORMED = {
    'short_prediction': r'\[0\]\.segmentations: 1 entries, but video 1 has 3 frames',
    'long_prediction': r'\[0\]\.segmentations: 6 entries, but video 1 has 3 frames',
    'size_mismatch_one_frame': r'segmentations\[1\]\.size: .* its video has \[height',
    'size_mismatch_all_frames': r'segmentations\[0\]\.size: ',
    'unknown_category': r'\.category_id: 77 is none of the 2 ids, \[1, 2\]. Labels',
    'unknown_video': r'\[0\]\.video_id: 9 is none of the 1 ids',
    'uncompressed_prediction': r'segmentations\[0\]\.counts: expected a string, got',
    'polygon_prediction': r'segmentations\[0\]: expected an object or null, got \[\[',
    'iscrowd_is_required': r'annotations\[0\]\.iscrowd: missing',
    'repeated_gt_ids': r'annotations\[1\]\.id: .* no earlier entry has, got 7',
}


def quirks():
    return {row['name']: row for row in json.loads(QUIRKS.read_text())}


@pytest.mark.parametrize('name', sorted(quirks()))
def test_quirks_are_refused_where_malformed_and_only_there(name):
    row = quirks()[name]

    def check():
        validate_ground_truth(row['gt'])
        validate_results(row['pred'], row['gt'])

    if name in MALFORMED:
        with pytest.raises(ValueError, match=MALFORMED[name]):
            check()
    else:
        check()


@pytest.fixture
def gt():
    mask = np.zeros((6, 8), np.uint8, order='F')
    mask[1:4, 2:5] = 1
    rle = mask_utils.encode(mask)
    rle['counts'] = rle['counts'].decode()
    return dict(
        videos=[dict(id=3, height=6, width=8, length=2, file_names=['a/0', 'a/1'])],
        categories=[dict(id=4, name='duck')],
        annotations=[
            dict(
                id=1,
                video_id=3,
                category_id=4,
                iscrowd=0,
                segmentations=[rle, None],
                areas=[9, None],
                bboxes=[[2, 1, 3, 3], None],
            )
        ],
    )


@pytest.fixture
def results(gt):
    masks = copy.deepcopy(gt['annotations'][0]['segmentations'])
    return [dict(video_id=3, category_id=4, score=0.5, segmentations=masks)]


def test_good_files_pass(gt, results):
    before = copy.deepcopy((gt, results))
    checked = validate_ground_truth(gt)
    assert validate_results(results, checked) == results
    assert validate_results([], gt) == []
    assert (gt, results) == before
    counts = gt['annotations'][0]['segmentations'][0]['counts'].encode()
    mask = dict(size=[6, 8], counts=counts)
    assert checked['annotations'][0]['segmentations'] == [mask, None]
    for annotations in ([], None):
        validate_ground_truth(dict(gt, annotations=annotations))


@pytest.mark.parametrize(
    ('field', 'value', 'message'),
    [
        (
            'score',
            float('nan'),
            r'res: \[0\]\.score: not JSON: NaN and Infinity are not num',
        ),
        ('score', '0.5', r"score: expected a number, got '0.5'"),
        ('score', 10**400, r'score: the number is too large'),
        ('score', True, r'score: expected a number, got True'),
        ('video_id', '3', r"video_id: expected an integer, got '3'"),
        ('category_id', 0, r'category_id: 0 is none of the 1 ids, \[4\]. Labels'),
        ('category_id', 4.5, r'category_id: expected an integer, got 4.5'),
        ('segmentations', None, r'segmentations: expected a list, got None'),
    ],
)
def test_bad_field_of_a_result_is_named(gt, results, field, value, message):
    results[0][field] = value
    with pytest.raises(ValueError, match=message):
        validate_results(results, gt, 'res')


@pytest.mark.parametrize('field', ['video_id', 'category_id', 'score', 'segmentations'])
def test_missing_field_of_a_result_is_named(gt, results, field):
    del results[0][field]
    with pytest.raises(ValueError, match=rf'\[0\]\.{field}: missing'):
        validate_results(results, gt)


def test_bad_rle_of_a_result_is_named(gt, results):
    results.append(copy.deepcopy(results[0]))
    results[1]['segmentations'][0]['counts'] += '5'
    match = (
        r'\[1\]\.segmentations\[0\]\.counts: the RLE describes \d+ pixels instead of 48'
    )
    with pytest.raises(ValueError, match=match):
        validate_results(results, gt)


def test_results_that_are_no_list_are_refused(gt):
    with pytest.raises(ValueError, match=r'one entry per track, .* annotation file'):
        validate_results(gt, gt)
    with pytest.raises(ValueError, match=r'\[0\]: expected an object, got 5'):
        validate_results([5], gt)


def test_results_as_ground_truth_are_refused(results):
    with pytest.raises(ValueError, match=r'gt\.json: expected an object.*results file'):
        validate_ground_truth(results, 'gt.json')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda gt: gt.pop('videos'), r'videos: missing'),
        (lambda gt: gt['videos'].clear(), r'videos: expected at least one entry'),
        (lambda gt: gt['videos'][0].pop('height'), r'videos\[0\]\.height: missing'),
        (lambda gt: gt['videos'][0].update(length=3), r'length: 3 given, .* 2 entries'),
        (lambda gt: gt['categories'].clear(), r'categories: expected at least one'),
        (lambda gt: gt['annotations'][0]['areas'].pop(), r'areas: 1 entries'),
        (
            lambda gt: gt['annotations'][0].update(iscrowd=2),
            r'iscrowd: expected .* got 2',
        ),
        (lambda gt: gt['annotations'].append(5), r'annotations\[1\]: expected an obj'),
        (
            lambda gt: gt['annotations'][0]['segmentations'][0].update(counts=[40, 7]),
            r'segmentations\[0\]\.counts: the runs add up to 47, expected .* = 48',
        ),
        (
            lambda gt: gt['annotations'][0]['segmentations'][0].update(size=[8, 6]),
            r'segmentations\[0\]\.size: \[8, 6\] given, .* = \[6, 8',
        ),
    ],
)
def test_bad_ground_truth_is_named(gt, change, message):
    change(gt)
    with pytest.raises(ValueError, match=message):
        validate_ground_truth(gt)
