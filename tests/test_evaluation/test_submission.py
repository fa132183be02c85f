import io
import json
import zipfile

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from pycocotools import mask as mask_utils

from mmvis.evaluation import tracks_to_results, write_submission


def rle(num_pixels):
    mask = np.zeros((4, 5), np.uint8, order='F')
    mask.ravel('K')[:num_pixels] = 1
    return mask_utils.encode(mask)


@pytest.fixture
def gt():
    return dict(
        videos=[dict(id=7, height=4, width=5, length=2)],
        categories=[dict(id=3, name='a'), dict(id=9, name='b')],
    )


@pytest.fixture
def tracks():
    masks = [rle(6), None]
    return InstanceData(
        labels=torch.tensor([1, 0, 1]),
        scores=torch.tensor([0.75, 0.5, 0.25]),
        instances_id=torch.tensor([0, 1, 0]),
        masks=[masks, [rle(3), rle(20)], masks],
    )


def test_entries_hold_ids_scores_and_text(tracks):
    results = tracks_to_results(7, tracks, [3, 9])
    assert [r['category_id'] for r in results] == [9, 3, 9]
    assert [r['score'] for r in results] == [0.75, 0.5, 0.25]
    assert {r['video_id'] for r in results} == {7}
    first = results[0]['segmentations']
    assert first == [dict(size=[4, 5], counts=rle(6)['counts'].decode()), None]
    assert results[2]['segmentations'] == first
    assert json.loads(json.dumps(results)) == results
    assert isinstance(tracks.masks[0][0]['counts'], bytes)


def test_label_without_category_is_named(tracks):
    with pytest.raises(ValueError, match=r'Video 7 has a track with label 1, .* 1 cat'):
        tracks_to_results(7, tracks, [3])


def test_files_are_complete_and_the_same_every_time(tracks, gt, tmp_path):
    results = tracks_to_results(7, tracks, [3, 9])
    json_path, zip_path = write_submission(results, gt, tmp_path / 'new' / 'results')
    assert json_path == tmp_path / 'new' / 'results.json'
    assert zip_path == tmp_path / 'new' / 'results.submission_file.zip'
    assert sorted((tmp_path / 'new').iterdir()) == [json_path, zip_path]
    assert json.loads(json_path.read_text()) == results
    before = zip_path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(before)) as archive:
        assert archive.namelist() == ['results.json']
        assert archive.read('results.json') == json_path.read_bytes()
    write_submission(results, gt, tmp_path / 'new' / 'results')
    assert zip_path.read_bytes() == before


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda r: r.update(score=float('inf')), r'\[1\]\.score: .*NaN and Inf'),
        (lambda r: r['segmentations'].pop(), r'\[1\]\.segmentations: 1 entries'),
        (lambda r: r['segmentations'][1].update(size=[5, 4]), r'\[1\]\.size: \[5, 4\]'),
        (lambda r: r.update(video_id=8), r'\[1\]\.video_id: 8 is none of'),
    ],
)
def test_what_a_server_rejects_is_not_written(tracks, gt, tmp_path, change, message):
    results = tracks_to_results(7, tracks, [3, 9])
    change(results[1])
    with pytest.raises(ValueError, match=message):
        write_submission(results, gt, tmp_path / 'results')
    assert list(tmp_path.iterdir()) == []
