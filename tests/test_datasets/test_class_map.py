import json

import numpy as np
import pytest

from mmvis.datasets import ClassMap, CocoClipDataset, YouTubeVISDataset
from mmvis.structures.rle import decode_mask
from mmvis.testing import rle_of

SIZE = (40, 60)
NAMES = {3: 'cat', 5: 'dog', 7: 'person', 8: 'bike', 9: 'cup'}
TABLE = {
    'cat': 'animal',
    'dog': 'animal',
    'person': 'person',
    'person on bike': 'rider',
}


def mask(x1, y1, x2, y2):
    pixels = np.zeros(SIZE, dtype=np.uint8)
    pixels[y1:y2, x1:x2] = 1
    return rle_of(pixels)


def annotation(id_, cat_id, *masks, iscrowd=0):
    return dict(
        id=id_,
        video_id=1,
        category_id=cat_id,
        iscrowd=iscrowd,
        segmentations=list(masks),
        bboxes=[None] * len(masks),
        areas=[None] * len(masks),
    )


def test_classes_and_labels():
    table = ClassMap(TABLE, NAMES)
    assert table.classes == ('animal', 'person', 'rider')
    assert table.cat2label == {3: 0, 5: 0, 7: 1}
    ordered = ClassMap(TABLE, NAMES, ('rider', 'car', 'person', 'animal'))
    assert ordered.classes == ('rider', 'car', 'person', 'animal')
    assert ordered.cat2label == {3: 3, 5: 3, 7: 2}


@pytest.mark.parametrize(
    ('table', 'classes', 'message'),
    [
        ({'cta': 'animal'}, None, r"a.json: \"categories\" lacks \['cta'\] .* has "),
        ({'person on cow': 'rider'}, None, r"lacks \['person on cow'\]"),
        ({'cat': 'animl'}, ['animal'], r"\['animl'\].*lacks: \['animal'\]"),
    ],
)
def test_unknown_names_are_named(table, classes, message):
    with pytest.raises(ValueError, match=message):
        ClassMap(table, NAMES, classes, 'a.json')


def test_a_person_on_a_bike_becomes_a_rider():
    bike = annotation(1, 8, mask(10, 20, 30, 40), None)
    rider = annotation(2, 7, mask(12, 5, 24, 32), mask(0, 0, 8, 8))
    beside = annotation(3, 7, mask(40, 5, 50, 38), mask(40, 5, 50, 38))
    joined, rest = ClassMap(TABLE, NAMES).join([rider, bike, beside], SIZE)
    assert (joined[0]['id'], joined[1]) == (1, 2)
    assert (rest[0]['id'], rest[1]) == (3, 1)
    both = decode_mask(joined[0]['segmentations'][0], *SIZE)
    expected = np.zeros(SIZE)
    expected[20:40, 10:30] = expected[5:32, 12:24] = 1
    assert np.array_equal(both, expected)
    assert joined[0]['bboxes'][0] == [10, 5, 20, 35]
    assert joined[0]['areas'] == [expected.sum(), 64]
    assert np.array_equal(
        decode_mask(joined[0]['segmentations'][1], *SIZE),
        decode_mask(mask(0, 0, 8, 8), *SIZE),
    )


@pytest.mark.parametrize(
    ('person', 'iscrowd'),
    [
        (mask(12, 34, 24, 40), 0),  # below it
        (mask(28, 5, 40, 30), 0),  # a tenth of it is in front of the bike
        (mask(12, 5, 24, 32), 1),
        (None, 0),
    ],
)
def test_who_is_not_on_the_bike_stays_a_person(person, iscrowd):
    bike = annotation(1, 8, mask(10, 20, 30, 38))
    other = annotation(2, 7, person, iscrowd=iscrowd)
    ((kept, label),) = ClassMap(TABLE, NAMES).join([bike, other], SIZE)
    assert kept is other
    assert label == 1


def test_each_person_rides_once_and_the_best_bike_wins():
    bikes = [
        annotation(1, 8, mask(10, 20, 30, 40)),
        annotation(2, 8, mask(34, 20, 54, 40)),
    ]
    people = [
        annotation(3, 7, mask(14, 4, 24, 28)),
        annotation(4, 7, mask(38, 4, 48, 38)),
        annotation(5, 7, mask(38, 4, 48, 30)),
    ]
    joined = ClassMap(TABLE, NAMES).join([*bikes, *people], SIZE)
    assert [(item['id'], label) for item, label in joined] == [(1, 2), (2, 2), (5, 1)]


@pytest.fixture
def file(tmp_path):
    """A cat and a person on a bike, in the formats of both data sets."""
    shapes = [(3, mask(0, 0, 9, 9)), (8, mask(10, 20, 30, 40))]
    shapes += [(7, mask(12, 5, 24, 32)), (9, mask(50, 30, 58, 38))]
    categories = [dict(id=i, name=name) for i, name in NAMES.items()]
    size = dict(height=40, width=60)
    coco = [
        dict(id=i, image_id=1, category_id=c, segmentation=m, iscrowd=0)
        for i, (c, m) in enumerate(shapes, 1)
    ]
    image = dict(id=1, file_name='1.jpg', **size)
    (tmp_path / 'coco.json').write_text(
        json.dumps(dict(images=[image], categories=categories, annotations=coco))
    )
    videos = [dict(id=1, file_names=['1.jpg'], length=1, **size)]
    tracks = [
        dict(id=i, video_id=1, category_id=c, segmentations=[m], iscrowd=0)
        for i, (c, m) in enumerate(shapes, 1)
    ]
    (tmp_path / 'vis.json').write_text(
        json.dumps(dict(videos=videos, categories=categories, annotations=tracks))
    )
    return tmp_path


@pytest.mark.parametrize(
    ('dataset_type', 'name'), [(CocoClipDataset, 'coco'), (YouTubeVISDataset, 'vis')]
)
def test_data_sets_merge_their_categories(file, dataset_type, name):
    dataset = dataset_type(
        f'{name}.json',
        data_root=str(file),
        class_map=TABLE,
        metainfo=dict(classes=['rider', 'animal', 'person']),
    )
    assert dataset.metainfo['classes'] == ('rider', 'animal', 'person')
    assert dataset.cat_ids == [1, 2, 3]
    instances = dataset.get_data_info(0)['instances']
    found = [(item['instance_id'], item['bbox_label']) for item in instances]
    assert sorted(found) == [(1, 1), (2, 0)]


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(class_map={}), '`class_map` is empty'),
        (dict(class_map=TABLE, dataset_version='2019'), 'fixes the class list'),
        (
            dict(class_map={'cow': 'animal'}),
            r"vis.json: \"categories\" lacks \['cow'\]",
        ),
    ],
)
def test_wrong_tables_are_refused(file, kwargs, message):
    with pytest.raises(ValueError, match=message):
        YouTubeVISDataset('vis.json', data_root=str(file), **kwargs)
