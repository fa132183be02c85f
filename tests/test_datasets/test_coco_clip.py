import json

import cv2
import numpy as np
import pytest

from mmvis.datasets import DATASET_CLASSES, CocoClipDataset
from mmvis.testing import rle_of

CATEGORIES = [
    dict(id=1, name='person'),
    dict(id=3, name='car'),
    dict(id=74, name='mouse'),
    dict(id=90, name='toothbrush'),
]
PIPELINE = [
    dict(type='SampleAllFrames'),
    dict(type='TransformBroadcaster', transforms=[dict(type='LoadFrameFromFile')]),
    dict(type='LoadClipAnnotations'),
]


@pytest.fixture
def content():
    crowd = np.zeros((40, 60), dtype=np.uint8)
    crowd[30:, 5:50] = 1
    square = [[4, 6, 24, 6, 24, 26, 4, 26]]
    bar = [[30, 2, 54, 2, 54, 12, 30, 12]]
    rows = [
        (11, 7, 3, square, [4, 6, 20, 20], 0),
        (12, 7, 90, bar, [30, 2, 24, 10], 0),
        (13, 7, 1, rle_of(crowd, compressed=False), [5, 30, 45, 10], 1),
        (14, 8, 74, square, [4, 6, 20, 20], 0),
    ]
    keys = ('id', 'image_id', 'category_id', 'segmentation', 'bbox', 'iscrowd')
    return dict(
        images=[
            dict(id=i, file_name=f'{i}.jpg', height=40, width=60) for i in (7, 8, 9)
        ],
        categories=CATEGORIES,
        annotations=[dict(zip(keys, row, strict=True), area=400) for row in rows],
    )


@pytest.fixture
def load(tmp_path, content):
    img = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    for image in content['images']:
        cv2.imwrite(str(tmp_path / image['file_name']), img)

    def build(**kwargs):
        (tmp_path / 'instances.json').write_text(json.dumps(content))
        return CocoClipDataset(
            'instances.json',
            data_root=str(tmp_path),
            data_prefix=dict(img=''),
            **kwargs,
        )

    return build


def labels_of(dataset, idx):
    instances = dataset.get_data_info(idx)['instances']
    return [(i['instance_id'], i['bbox_label']) for i in instances]


def test_records(load, tmp_path):
    dataset = load()
    assert len(dataset) == 2, 'image 9 has no instance'
    record = dataset.get_data_info(0)
    assert (record['video_id'], record['video_len']) == (7, 1)
    assert record['img_paths'] == [str(tmp_path / '7.jpg')]
    assert labels_of(dataset, 0) == [(11, 1), (12, 3)]
    assert dataset.cat_ids == [1, 3, 74, 90]
    assert record['instances'][0]['bboxes'] == [[4, 6, 20, 20]]
    assert len(load(filter_cfg=dict(filter_empty_gt=False))) == 3


def test_crowds(load):
    instances = load(keep_crowd=True).get_data_info(0)['instances']
    assert [i['ignore_flag'] for i in instances] == [0, 0, 1]


@pytest.mark.parametrize(
    ('version', 'car'), [('2019', 'sedan'), ('2021', 'car'), ('ovis', 'Vehical')]
)
def test_classes_are_mapped(load, version, car):
    """COCO's mouse (a computer's) is not YouTube-VIS' mouse."""
    dataset = load(dataset_version=version, keep_crowd=True)
    names = DATASET_CLASSES[version]
    person = 'Person' if version == 'ovis' else 'person'
    assert len(dataset) == 1
    assert labels_of(dataset, 0) == [
        (11, names.index(car)),
        (13, names.index(person)),
    ]
    assert dataset.metainfo['classes'] == names
    assert dataset.cat_ids[names.index(car)] == names.index(car) + 1


def test_clip_of_one_frame(load, mmvis_scope):
    dataset = load(pipeline=[*PIPELINE, dict(type='PackClipInputs')])
    packed = dataset[0]
    assert packed['inputs'].shape == (1, 3, 40, 60)
    gt = packed['data_samples'].video_data_samples[0].gt_instances
    assert gt.instances_id.tolist() == [11, 12]
    assert gt.masks.areas.tolist() == [400, 240]


def test_pseudo_clip(load, mmvis_scope, seeded):
    pseudo = dict(type='MakePseudoClip', clip_len=4)
    dataset = load(pipeline=[*PIPELINE, pseudo, dict(type='PackClipInputs')])
    packed = dataset[0]
    assert packed['inputs'].shape == (4, 3, 40, 60)
    samples = packed['data_samples'].video_data_samples
    assert [s.frame_id for s in samples] == [0, 1, 2, 3]
    assert [s.gt_instances.instances_id.tolist() for s in samples] == [[11, 12]] * 4
    assert len({tuple(s.gt_instances.masks.areas) for s in samples}) > 1


PAIRS = [[5, 5], [12, 5], [20, 5], [20, 20], [12, 20], [5, 20]]
BAD_INPUT = {
    'no images key': (lambda c: c.pop('images'), r'instances\.json: images: missing'),
    'no annotations key': (
        lambda c: c.pop('annotations'),
        r'instances\.json: annotations: missing',
    ),
    'zero images': (
        lambda c: c.update(images=[]),
        r'json: images: expected at least one entry',
    ),
    'image without width': (
        lambda c: c['images'][1].pop('width'),
        r'images\[1\]\.width: missing',
    ),
    'image id twice': (
        lambda c: c['images'][1].update(id=7),
        r'images\[1\]\.id: expected an id that no earlier entry has, got 7',
    ),
    'annotation id twice': (
        lambda c: c['annotations'][1].update(id=11),
        r'annotations\[1\]\.id: expected an id that no earlier entry has, got 11',
    ),
    'unknown image': (
        lambda c: c['annotations'][2].update(image_id=5),
        r'annotations\[2\]\.image_id: 5 is none of the 3 ids, \[7, 8, 9\]',
    ),
    'unknown category': (
        lambda c: c['annotations'][2].update(category_id=2),
        r'annotations\[2\]\.category_id: 2 is none of the 4 ids, \[1, 3, 74, 90\]',
    ),
    'no segmentation': (
        lambda c: c['annotations'][2].pop('segmentation'),
        r'annotations\[2\]\.segmentation: missing',
    ),
    'short polygon': (
        lambda c: c['annotations'][0].update(segmentation=[[1, 2, 3]]),
        r'annotations\[0\]\.segmentation: polygon 0 is \[1.0, 2.0, 3.0\], expected',
    ),
    'polygon of pairs': (
        lambda c: c['annotations'][0].update(segmentation=[PAIRS]),
        r'annotations\[0\]\.segmentation\[0\]\[0\]: expected a number, got \[5, 5\]',
    ),
    'RLE of another size': (
        lambda c: c['annotations'][2]['segmentation'].update(size=[60, 40]),
        r'annotations\[2\]\.segmentation\.size: \[60, 40\] given, but its video has',
    ),
    'negative box': (
        lambda c: c['annotations'][0].update(bbox=[4, 6, -20, 20]),
        r'annotations\[0\]\.bbox: expected .* without negative sides',
    ),
    'nothing left': (
        lambda c: c.update(annotations=[]),
        r'instances\.json: "annotations" has no mask of the classes',
    ),
}


@pytest.mark.parametrize('case', BAD_INPUT)
def test_bad_input_is_named(load, content, case):
    edit, message = BAD_INPUT[case]
    edit(content)
    with pytest.raises(ValueError, match=message):
        load()


def test_unknown_class_is_named(load):
    with pytest.raises(ValueError, match=r"instances\.json: .* lacks \['boat'\]"):
        load(metainfo=dict(classes=['boat']))
