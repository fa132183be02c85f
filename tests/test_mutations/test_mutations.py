"""Changed files are read right or refused in one clear message; nothing between.

A slow judge that shares no code with the package says which files are valid, what
their masks are, and what AP they have. Ten thousand of each kind:

    pytest tests/test_mutations --hypothesis-profile=long
"""

import json

import numpy as np
import pytest
from hypothesis import event, given

from mmvis.errors import UserValueError
from mmvis.evaluation.json_files import read_ground_truth
from mmvis.evaluation.report import make_report
from mmvis.structures import read_video_record
from mmvis.structures.results_json import read_results
from mmvis.structures.rle import decode_mask

from . import slow_evaluator as judge
from .mutate import change, make_files, mutations, seeds, text_mutations, to_bytes
from .places import apply

MAX_PIXELS = 10_000  # of a video that the judge draws


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('mutations')


def content_if_valid(data, is_valid):
    """Parsed JSON that the judge finds valid, else None."""
    try:
        content = judge.strict_loads(data)
    except judge.InvalidJSONError:
        return None
    return content if is_valid(content) else None


def read_as_judged(read, path, data, is_valid):
    """Read a file and compare with the judge; returns both contents if it is valid."""
    path.write_bytes(data)
    expected = content_if_valid(data, is_valid)
    if expected is not None:
        event('valid')
        return read(), expected
    event('not valid')
    with pytest.raises(UserValueError) as error:
        read()
    assert_clear(str(error.value), path)
    return None, None


def assert_clear(message, path):
    assert message.startswith(f'{path}: ')
    text = message.removeprefix(f'{path}: ')
    assert text.isprintable()
    assert 15 < len(text) < 500
    assert text.endswith(('.', '?'))


def assert_ap_as_judged(gt, results, true_gt, true_results):
    sizes = [video['height'] * video['width'] for video in true_gt['videos']]
    if max(sizes) <= MAX_PIXELS:
        expected = judge.average_precision(true_gt, true_results)
        found = make_report(gt, results).stats['AP']
        assert found == pytest.approx(expected, abs=1e-9)


def assert_masks_as_judged(gt, true_gt):
    videos = {video['id']: video for video in gt['videos']}
    for track, true_track in zip(
        gt['annotations'], true_gt.get('annotations') or [], strict=True
    ):
        video = videos[track['video_id']]
        size = video['height'], video['width']
        if size[0] * size[1] > MAX_PIXELS:
            continue
        for mask, true_mask in zip(
            track['segmentations'], true_track['segmentations'], strict=True
        ):
            assert (mask is None) == (not true_mask)
            if mask is not None:
                found = decode_mask(mask, *size)
                np.testing.assert_array_equal(found, judge.draw(true_mask, *size))


@given(seed=seeds, steps=mutations, text=text_mutations)
def test_annotations(folder, seed, steps, text):
    gt, results, _ = make_files(seed)
    path = folder / 'gt.json'
    data = to_bytes(apply(gt, steps, change), text)
    found, expected = read_as_judged(
        lambda: read_ground_truth(path), path, data, judge.is_valid_ground_truth
    )
    if found is not None:
        assert_masks_as_judged(found, expected)
        if judge.is_valid_results(results, expected):
            assert_ap_as_judged(found, results, expected, results)


@given(seed=seeds, steps=mutations, text=text_mutations)
def test_results(folder, seed, steps, text):
    gt, results, _ = make_files(seed)
    (folder / 'gt.json').write_text(json.dumps(gt))
    checked = read_ground_truth(folder / 'gt.json')
    path = folder / 'results.json'
    found, expected = read_as_judged(
        lambda: read_results(path, checked),
        path,
        to_bytes(apply(results, steps, change), text),
        lambda content: judge.is_valid_results(content, gt),
    )
    if found is not None:
        assert_ap_as_judged(checked, found, gt, expected)


@given(seed=seeds, steps=mutations, text=text_mutations)
def test_records(folder, seed, steps, text):
    path = folder / 'video_4.json'
    data = to_bytes(apply(make_files(seed)[2], steps, change), text)
    found, expected = read_as_judged(
        lambda: read_video_record(path), path, data, judge.is_valid_record
    )
    if found is not None:
        tracks = found.pred_track_instances
        rows = expected['tracks']
        assert tracks.labels.tolist() == [row['label'] for row in rows]
        assert tracks.scores.tolist() == [float(row['score']) for row in rows]
        ids = [row['instance_id'] for row in rows]
        assert tracks.instances_id.tolist() == ids
        kept = [
            [mask and {key: mask[key] for key in ('size', 'counts')} for mask in track]
            for track in (expected['masks'][str(i)] for i in ids)
        ]
        assert tracks.masks == kept
        assert tracks.bboxes == [expected['bboxes'][str(i)] for i in ids]


@pytest.mark.parametrize('seed', range(16))
def test_the_judge_and_the_evaluation_agree_on_unchanged_files(folder, seed):
    gt, results, _ = make_files(seed)
    (folder / 'gt.json').write_text(json.dumps(gt))
    (folder / 'results.json').write_text(json.dumps(results))
    checked = read_ground_truth(folder / 'gt.json')
    found = read_results(folder / 'results.json', checked)
    assert_ap_as_judged(checked, found, gt, results)
