import json
import pickle

import numpy as np
import pytest

from mmvis.datasets import DATASET_CLASSES, YouTubeVISDataset
from mmvis.registry import DATASETS
from mmvis.structures.rle import decode_mask, mask_bbox
from mmvis.testing import make_tiny_vis


def load(path, **kwargs):
    return YouTubeVISDataset(str(path), data_prefix=dict(img='JPEGImages'), **kwargs)


def rewrite(path, edit):
    """Change a json file by a function of its content."""
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def tiny(tmp_path):
    return make_tiny_vis(tmp_path, num_videos=3, video_len=[4, 2, 5], absent=[1])


def test_records(tiny):
    dataset = load(tiny.name, data_root=str(tiny.parent))
    assert len(dataset) == 3
    record = dataset.get_data_info(1)
    assert record['video_id'] == 2
    assert record['video_len'] == 2
    assert (record['height'], record['width']) == (48, 64)
    folder = tiny.parent / 'JPEGImages' / 'video2'
    assert record['img_paths'] == [
        str(folder / '00000.jpg'),
        str(folder / '00005.jpg'),
    ]
    first, second = record['instances']
    assert (first['instance_id'], second['instance_id']) == (3, 4)
    assert (first['bbox_label'], second['bbox_label']) == (0, 1)
    assert first['ignore_flag'] == 0
    assert first['segmentations'][1] is None
    assert first['bboxes'][1] is None
    assert first['areas'][1] is None
    raw = json.loads(tiny.read_text())['annotations'][2]
    assert first['bboxes'] == raw['bboxes']
    assert first['areas'] == raw['areas']


@pytest.mark.parametrize('kind', ['uncompressed', 'compressed', 'polygon'])
def test_kinds_of_segmentation_decode_alike(tmp_path, kind):
    dataset = load(make_tiny_vis(tmp_path, kind=kind))
    for instance in dataset.get_data_info(0)['instances']:
        for mask, bbox in zip(
            instance['segmentations'], instance['bboxes'], strict=True
        ):
            x, y, w, h = map(int, bbox)
            expected = np.zeros((48, 64), dtype=np.uint8)
            expected[y : y + h, x : x + w] = 1
            decoded = decode_mask(mask, 48, 64)
            np.testing.assert_array_equal(decoded, expected)
            assert mask_bbox(decoded) == [x, y, x + w, y + h]


@pytest.mark.parametrize('version', ['2019', '2021', '2022', 'ovis'])
def test_category_ids_round_trip_through_the_json(tmp_path, version):
    names = DATASET_CLASSES[version]
    path = make_tiny_vis(
        tmp_path, num_videos=1, video_len=1, num_instances=len(names), classes=names
    )
    dataset = load(path, dataset_version=version)
    raw = json.loads(path.read_text())['annotations']
    labels = [i['bbox_label'] for i in dataset.get_data_info(0)['instances']]
    assert labels == [annotation['category_id'] - 1 for annotation in raw]
    assert [dataset.cat_ids[label] for label in labels] == list(
        range(1, len(names) + 1)
    )
    assert dataset.metainfo['classes'] == names
    assert dataset.metainfo['cat_ids'] == dataset.cat_ids
    assert dataset.metainfo['ann_file'] == str(path)


def test_ids_with_holes_and_id_0(tmp_path):
    path = make_tiny_vis(tmp_path, num_instances=3, cat_ids=[0, 7, 90])
    dataset = load(path)
    labels = [i['bbox_label'] for i in dataset.get_data_info(0)['instances']]
    assert labels == [0, 1, 2]
    assert dataset.cat_ids == [0, 7, 90]
    assert dataset.cat2label == {0: 0, 7: 1, 90: 2}
    assert dataset.metainfo['classes'] == ('square', 'brick', 'tile')
    assert dataset.get_cat_ids(0) == [0, 1, 2]


def test_metainfo_classes_choose(tmp_path):
    path = make_tiny_vis(tmp_path, num_instances=3)
    dataset = load(path, metainfo=dict(classes=['tile', 'square']))
    instances = dataset.get_data_info(0)['instances']
    assert [(i['instance_id'], i['bbox_label']) for i in instances] == [(1, 1), (3, 0)]
    assert dataset.cat_ids == [3, 1]


def test_crowds_are_dropped_unless_kept(tiny):
    rewrite(tiny, lambda c: c['annotations'][0].update(iscrowd=1))
    ids = [i['instance_id'] for i in load(tiny).get_data_info(0)['instances']]
    assert ids == [2]
    kept = load(tiny, keep_crowd=True).get_data_info(0)['instances']
    assert [(i['instance_id'], i['ignore_flag']) for i in kept] == [(1, 1), (2, 0)]


def test_videos_without_annotation_are_dropped_in_training_only(tiny):
    def empty_video_2(content):
        content['annotations'] = [
            a for a in content['annotations'] if a['video_id'] != 2
        ]

    rewrite(tiny, empty_video_2)
    ids = [load(tiny).get_data_info(i)['video_id'] for i in range(2)]
    assert ids == [1, 3]
    assert len(load(tiny, filter_cfg=dict(filter_empty_gt=False))) == 3
    assert len(load(tiny, test_mode=True)) == 3


@pytest.mark.parametrize('annotations', ['missing', None, []])
def test_official_validation_json(tmp_path, annotations):
    path = make_tiny_vis(tmp_path, annotated=False)
    if annotations != 'missing':
        rewrite(path, lambda c: c.update(annotations=annotations))
    dataset = load(path, test_mode=True)
    assert len(dataset) == 2
    assert dataset.get_data_info(0)['instances'] == []
    with pytest.raises(ValueError, match=r'train\.json: "annotations" is missing or'):
        load(path)


def test_boxes_and_areas_may_be_missing(tiny):
    def strip(content):
        for annotation in content['annotations']:
            del annotation['bboxes'], annotation['areas'], annotation['iscrowd']

    record = load(rewrite(tiny, strip)).get_data_info(0)
    assert record['instances'][0]['bboxes'] == [None] * 4


def test_index_with_frames(tiny):
    dataset = load(tiny, pipeline=[lambda record: record])
    assert dataset[(2, [0, 4])]['frame_inds'] == [0, 4]
    assert 'frame_inds' not in dataset[2]
    with pytest.raises(IndexError, match='has frames 0 to 4, asked for'):
        dataset[(2, [3, 5])]


def test_pickle_and_registry(tiny):
    dataset = DATASETS.build(
        dict(
            type='YouTubeVISDataset',
            ann_file='train.json',
            data_root=str(tiny.parent),
            data_prefix=dict(img='JPEGImages'),
        )
    )
    copy = pickle.loads(pickle.dumps(dataset))
    assert copy.get_data_info(2) == dataset.get_data_info(2)
    # Nothing but the serialised records is held.
    assert dataset.data_list == []
    assert dataset.data_bytes.nbytes < 10_000


BAD_INPUT = {
    'no videos key': (lambda c: c.pop('videos'), r'train\.json: videos: missing'),
    'frames without names': (
        lambda c: c['videos'][1].pop('file_names'),
        r'train\.json: videos\[1\]\.file_names: missing, expected one name per frame',
    ),
    'mask of another size': (
        lambda c: c['annotations'][0]['segmentations'][0].update(size=[64, 48]),
        r'train\.json: annotations\[0\]\.segmentations\[0\]\.size: \[64, 48\] given',
    ),
    'empty annotations': (
        lambda c: c.update(annotations=[]),
        r'train\.json: "annotations" is missing or empty',
    ),
    'nothing but crowds': (
        lambda c: [a.update(iscrowd=1) for a in c['annotations']],
        r'train\.json: "annotations" has no mask of the classes',
    ),
}


@pytest.mark.parametrize('case', BAD_INPUT)
def test_bad_input_is_named(tiny, case):
    edit, message = BAD_INPUT[case]
    rewrite(tiny, edit)
    with pytest.raises(ValueError, match=message):
        load(tiny)


def test_byte_order_mark_is_read(tiny):
    tiny.write_bytes(b'\xef\xbb\xbf' + tiny.read_bytes())
    assert len(load(tiny)) == 3


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(dataset_version='2020'), r"must be one of \['2019', '2021', '2022'"),
        (
            dict(dataset_version='2019', metainfo=dict(classes=['a'])),
            "dataset_version='2019' fixes the class list",
        ),
        (dict(filter_cfg=dict(min_size=3)), r"only \"filter_empty_gt\", got \['min_"),
        (dict(dataset_version='2019'), r'train\.json: "categories" has 3 entries'),
    ],
)
def test_bad_options(tiny, options, message):
    with pytest.raises(ValueError, match=message):
        load(tiny, **options)


@pytest.mark.parametrize('indices', [[3], [0, -4]])
def test_indices_beyond_the_videos(tiny, indices):
    assert len(load(tiny, indices=[1])) == len(load(tiny, indices=1)) == 1
    with pytest.raises(ValueError, match=r'`indices` .* in \[0, 3\), as .* 3 samples'):
        load(tiny, indices=indices)


def test_unknown_option_fails(tiny):
    with pytest.raises(TypeError, match='frame_range'):
        load(tiny, frame_range=3)
