import json

import numpy as np
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


def test_record_comes_back(tmp_path):
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
