import json
import pickle

import numpy as np
import pytest

from mmvis.datasets import DATASET_CLASSES, YouTubeVISDataset
from mmvis.datasets.segmentation import decode_segmentation, mask_bbox
from mmvis.registry import DATASETS
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
            x, y, w, h = bbox
            expected = np.zeros((48, 64), dtype=np.uint8)
            expected[y : y + h, x : x + w] = 1
            decoded = decode_segmentation(mask, 48, 64)
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


def first(content, key='annotations'):
    return content[key][0]


BAD_INPUT = {
    'no videos key': (
        lambda c: c.pop('videos'),
        r'train\.json: the json lacks the field "videos"',
    ),
    'no categories key': (
        lambda c: c.pop('categories'),
        r'train\.json: the json lacks the field "categories"',
    ),
    'zero videos': (lambda c: c.update(videos=[]), r'train\.json: "videos" is empty'),
    'empty annotations': (
        lambda c: c.update(annotations=[]),
        r'train\.json: "annotations" is missing or empty',
    ),
    'annotations is no list': (
        lambda c: c.update(annotations=3),
        r'train\.json: the json: the field "annotations" is 3, expected a list',
    ),
    'video without height': (
        lambda c: first(c, 'videos').pop('height'),
        r'train\.json: videos\[0\] lacks the field "height"',
    ),
    'video is no object': (
        lambda c: c['videos'].append(3),
        r'train\.json: videos\[3\] is a int, expected an object',
    ),
    'video without frames': (
        lambda c: first(c, 'videos').update(file_names=[]),
        r'train\.json: videos\[0\].file_names has to name at least .* \(video id 1\)',
    ),
    'video of another length': (
        lambda c: first(c, 'videos').update(length=9),
        r'train\.json: videos\[0\].length is 9, but file_names has 4 entries',
    ),
    'video id twice': (
        lambda c: first(c, 'videos').update(id=2),
        r'train\.json: videos\[1\].id is 2, which an earlier one has',
    ),
    'category without name': (
        lambda c: first(c, 'categories').pop('name'),
        r'train\.json: categories\[0\] lacks the field "name"',
    ),
    'annotation without segmentations': (
        lambda c: first(c).pop('segmentations'),
        r'train\.json: annotations\[0\] lacks the field "segmentations"',
    ),
    'segmentations is no list': (
        lambda c: first(c).update(segmentations={}),
        r'annotations\[0\]: the field "segmentations" is {}, expected a list',
    ),
    'too few segmentations': (
        lambda c: first(c)['segmentations'].pop(),
        r'annotations\[0\].segmentations has 3 entries, but video 1 has 4 frames',
    ),
    'too few boxes': (
        lambda c: first(c)['bboxes'].pop(),
        r'annotations\[0\].bboxes has 3 entries, but video 1 has 4 frames',
    ),
    'too few areas': (
        lambda c: first(c)['areas'].pop(),
        r'annotations\[0\].areas has 3 entries, but video 1 has 4 frames',
    ),
    'RLE of another size': (
        lambda c: first(c)['segmentations'][0].update(size=[48, 65]),
        r'annotations\[0\].segmentations\[0\] \(annotation id 1\) has RLE counts that '
        r'sum to 3072, expected 48 \* 65 = 3120',
    ),
    'RLE turned by 90 degrees': (
        lambda c: first(c)['segmentations'][0].update(size=[64, 48]),
        r'annotations\[0\].segmentations\[0\].size is \[64, 48\], but video 1 has '
        r'\[height, width\] = \[48, 64\]',
    ),
    'RLE without counts': (
        lambda c: first(c)['segmentations'][0].pop('counts'),
        r'annotations\[0\].segmentations\[0\] \(annotation id 1\) is an RLE without',
    ),
    'unknown category': (
        lambda c: first(c).update(category_id=17),
        r'annotations\[0\].category_id is 17, .* known ids are \[1, 2, 3\]',
    ),
    'unknown video': (
        lambda c: first(c).update(video_id=17),
        r'train\.json: annotations\[0\].video_id is 17, which no entry',
    ),
    'annotation id twice': (
        lambda c: first(c).update(id=2),
        r'train\.json: annotations\[1\].id is 2, which an earlier one has',
    ),
    'id is no int': (
        lambda c: first(c, 'categories').update(id='1'),
        r'categories\[0\]: the field "id" is \'1\', expected a int',
    ),
    'frame has no name': (
        lambda c: first(c, 'videos').update(file_names=[None]),
        r'videos\[0\].file_names has to name .*, got \[None\]',
    ),
    'bboxes is no list': (
        lambda c: first(c).update(bboxes=3),
        r'annotations\[0\].bboxes has to be a list, one entry per frame',
    ),
    'box of three numbers': (
        lambda c: first(c)['bboxes'][0].pop(),
        r'annotations\[0\].bboxes\[0\] is \[.*\], expected \[x, y, width, height\] or',
    ),
    'iscrowd is no flag': (
        lambda c: first(c).update(iscrowd='no'),
        r"annotations\[0\].iscrowd is 'no', expected 0 or 1",
    ),
    'RLE size is no size': (
        lambda c: first(c)['segmentations'][0].update(size=None),
        r'segmentations\[0\] \(annotation id 1\) has the RLE size None',
    ),
    'RLE counts are no counts': (
        lambda c: first(c)['segmentations'][0].update(counts=[None]),
        r'segmentations\[0\] \(annotation id 1\) has RLE counts that are neither',
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


def test_not_json(tiny):
    tiny.write_text(tiny.read_text()[:300])
    with pytest.raises(ValueError, match=r'train\.json is not JSON'):
        load(tiny)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(dataset_version='2020'), r"has to be one of \['2019', '2021', '2022'"),
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


def test_unknown_option_fails(tiny):
    with pytest.raises(TypeError, match='frame_range'):
        load(tiny, frame_range=3)
