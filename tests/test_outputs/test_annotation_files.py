import json

import pytest
from pycocotools.coco import COCO

from mmvis.structures import read_video_record


def test_record_has_all_tracks(result, tmp_path):
    path = result.save(tmp_path, formats='json')['json']
    record = read_video_record(path)
    assert record.video_len == 4
    assert record.pred_track_instances.instances_id.tolist() == [4, 5, 9]
    assert json.loads(path.read_text())['tracks'][0]['category'] == 'dog'


def test_ytvis_results_have_all_tracks(result, tmp_path):
    path = result.save(tmp_path, formats='ytvis')['ytvis']
    assert path.name == 'clip_results.json'
    entries = json.loads(path.read_text())
    assert [entry['category_id'] for entry in entries] == [8, 9, 7]
    assert [entry['video_id'] for entry in entries] == [1, 1, 1]
    assert entries[0]['score'] == pytest.approx(0.9)
    assert [rle is None for rle in entries[0]['segmentations']] == [
        *(False, False, True, False),
    ]


def test_cocovid(result, tmp_path):
    path = result.save(tmp_path, formats='coco')['coco']
    coco = COCO(str(path))
    assert coco.dataset['videos'] == [
        dict(id=1, name='clip', length=4, height=20, width=30)
    ]
    images = coco.dataset['images']
    assert [image['frame_id'] for image in images] == [0, 1, 2, 3]
    assert images[2]['file_name'] == 'clip/000002.jpg'
    assert [c['name'] for c in coco.loadCats([7, 8, 9])] == ['cat', 'dog', 'bird']
    annotations = coco.loadAnns(coco.getAnnIds(imgIds=[2]))
    assert [a['instance_id'] for a in annotations] == [4, 5]
    assert annotations[0]['category_id'] == 8
    assert annotations[0]['bbox'] == [6, 4, 10, 6]
    assert annotations[0]['area'] == 60
    assert coco.annToMask(annotations[0])[4:10, 6:16].all()
    assert len(coco.dataset['annotations']) == 7
