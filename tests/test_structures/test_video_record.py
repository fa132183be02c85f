import json

import numpy as np
import pytest
import torch
from mmdet.structures import TrackDataSample
from mmengine.structures import InstanceData
from pycocotools import mask as mask_util

from mmvis.structures import read_video_record, write_video_record


def make_sample(num_rows=3):
    rle = mask_util.encode(np.asfortranarray(np.eye(4, 5, dtype=np.uint8)))
    sample = TrackDataSample(
        metainfo=dict(video_id=0, video_len=2, ori_shape=(4, 5)),
    )
    masks = [[rle, None], [rle, None], [None, rle]]
    first, second = [0.0, 0.0, 4.0, 4.0], [0.25, 0.1, 3.5, 4.0]
    bboxes = [[first, None], [first, None], [None, second]]
    sample.pred_track_instances = InstanceData(
        labels=torch.tensor([1, 0, 1])[:num_rows],
        scores=torch.tensor([0.1, 0.7, 1 / 3])[:num_rows],
        instances_id=torch.tensor([4, 4, 0])[:num_rows],
        masks=masks[:num_rows],
        bboxes=bboxes[:num_rows],
    )
    return sample


def test_record_is_read_back(tmp_path):
    sample, path = make_sample(), tmp_path / 'video.json'
    write_video_record(sample, path, classes=('cat', 'dog'))
    back = read_video_record(path)

    assert back.metainfo == sample.metainfo
    before, after = sample.pred_track_instances, back.pred_track_instances
    for key in ('labels', 'instances_id'):
        assert torch.equal(before[key], after[key])
    assert before.scores.tolist() == after.scores.tolist()
    assert after.masks[0] is after.masks[1]
    assert after.masks[2][0] is None
    counts = before.masks[2][1]['counts'].decode()
    assert after.masks[2][1] == dict(size=[4, 5], counts=counts)
    assert after.bboxes == before.bboxes

    content = json.loads(path.read_text())
    assert [row['category'] for row in content['tracks']] == ['dog', 'cat', 'dog']
    assert list(content['masks']) == list(content['bboxes']) == ['4', '0']
    assert [file.name for file in tmp_path.iterdir()] == ['video.json']


def test_record_without_tracks(tmp_path):
    write_video_record(make_sample(0), tmp_path / 'a.json')
    back = read_video_record(tmp_path / 'a.json').pred_track_instances
    assert len(back) == 0
    assert back.labels.dtype == torch.long
    assert back.scores.shape == (0,)


def rle(counts='0154', size=(4, 5)):
    return dict(size=list(size), counts=counts)


DAMAGE = {
    'no id': (lambda c: c.pop('video_id'), r'video_id: missing'),
    'length': (lambda c: c.update(video_len=3), r'bboxes\.4: 2 entries, expected 3'),
    'no size': (
        lambda c: c['ori_shape'].pop(),
        r'ori_shape: expected a list of',
    ),
    'label': (
        lambda c: c['tracks'][1].update(label=-1),
        r'tracks\[1\]\.label: exp',
    ),
    'score': (lambda c: c['tracks'][0].update(score='x'), r"\[0\]\.score: .* got 'x'"),
    'unknown track': (
        lambda c: c['tracks'][2].update(instance_id=7),
        r"bboxes: has the tracks \['0', '4'\], expected those of .*\['4', '7'\]",
    ),
    'no masks': (lambda c: c.pop('masks'), r'masks: missing'),
    'short track': (
        lambda c: c['masks']['4'].pop(),
        r'masks\.4: 1 entries, exp',
    ),
    'box': (
        lambda c: c['bboxes']['0'].__setitem__(1, [1, 2, 3]),
        r'bboxes\.0\[1\]: expected a list of length',
    ),
    'mask of another size': (
        lambda c: c['masks']['4'].__setitem__(0, rle(size=(5, 4))),
        r'masks\.4\[0\]\.size: \[5, 4\] given, but its video has .*= \[4, 5\]',
    ),
    'broken mask': (
        lambda c: c['masks']['4'].__setitem__(0, rle('o')),
        r'masks\.4\[0\]\.counts: the RLE ends in the middle',
    ),
}


@pytest.mark.parametrize('case', DAMAGE)
def test_damaged_record_is_one_error(tmp_path, case):
    path = tmp_path / 'video_0.json'
    write_video_record(make_sample(), path)
    content = json.loads(path.read_text())
    edit, message = DAMAGE[case]
    edit(content)
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=rf'video_0\.json: .*{message}|{message}'):
        read_video_record(path)


@pytest.mark.parametrize('text', ['', '{}', '[]', '{"video_id": 1, "tracks": ['])
def test_truncated_record_is_one_error(tmp_path, text):
    path = tmp_path / 'video_0.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=r'video_0\.json: '):
        read_video_record(path)


def test_truncated_text_after_a_wrong_value_is_not_json(tmp_path):
    path = tmp_path / 'video_0.json'
    path.write_text('{"video_id": "x", "masks": [')
    with pytest.raises(ValueError, match=r'masks\[0\]: not JSON: the text ends'):
        read_video_record(path)
