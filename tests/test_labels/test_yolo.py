import json
import sys

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as mask_utils

from mmvis.errors import UserValueError
from mmvis.labels import convert_labels
from mmvis.labels.label_set import add_annotation, encode_mask

pytest.importorskip('labelformat')
SIZE = (30, 40)


def make_labels(masks):
    """A set of one frame of 30 x 40 pixels, with an object for each mask."""
    video = dict(id=5, height=30, width=40, length=1, file_names=['a/0.png'])
    categories = [dict(id=7, name='fish'), dict(id=9, name='crab')]
    labels = dict(videos=[video], categories=categories, annotations=[])
    for number, mask in enumerate(masks):
        add_annotation(labels, 5, (7, 9)[number % 2], [encode_mask(mask)])
    return labels


def box(top, left, height, width):
    mask = np.zeros(SIZE, dtype=np.uint8)
    mask[top : top + height, left : left + width] = 1
    return mask


def convert(src, dst, source, target, **options):
    return convert_labels(src, dst, source_format=source, target_format=target,
                          **options)  # fmt: skip


@pytest.fixture
def round_trip(tmp_path):
    def run(labels):
        source, folder = tmp_path / 'source.json', tmp_path / 'yolo'
        source.write_text(json.dumps(labels))
        convert(source, folder, 'ytvis', 'yolo')
        image = folder / 'images' / 'a' / '0.png'
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', SIZE[::-1]).save(image)
        return convert(folder, tmp_path / 'back.json', 'yolo', 'ytvis')

    return run


def test_masks_and_classes_survive(round_trip):
    """Parts that lie apart, an L, one pixel, the border of the image."""
    parts = box(2, 3, 5, 6) | box(20, 30, 4, 4)
    corner = box(10, 10, 8, 2) | box(16, 10, 2, 9)
    masks = [parts, corner, box(0, 39, 1, 1), box(0, 0, 30, 40)]
    back = round_trip(make_labels(masks))
    assert [c['name'] for c in back['categories']] == ['fish', 'crab']
    assert [a['category_id'] for a in back['annotations']] == [1, 2, 1, 2]
    assert back['videos'][0]['file_names'] == ['a/0.png']
    for mask, item in zip(masks, back['annotations']):
        found = mask_utils.decode(item['segmentations'][0])
        np.testing.assert_array_equal(found, mask)


def test_what_polygons_do_not_hold_is_said(round_trip, capsys):
    ring = box(5, 5, 10, 10) - box(8, 8, 3, 3)
    labels = make_labels([ring, box(0, 0, 3, 3)])
    labels['annotations'][1]['iscrowd'] = 1
    back = round_trip(labels)
    output = capsys.readouterr().err
    assert '1 groups of objects (iscrowd) are left out' in output
    assert '1 objects have masks with holes' in output
    (item,) = back['annotations']
    np.testing.assert_array_equal(
        mask_utils.decode(item['segmentations'][0]), box(5, 5, 10, 10)
    )


@pytest.fixture
def yolo(tmp_path):
    """A set as Ultralytics has it: two splits, an image without objects."""
    (tmp_path / 'data.yaml').write_text(
        'path: .\ntrain: images/train\nval: images/val\nnames: {0: fish, 1: crab}\n'
    )
    for name in ('train/1', 'train/2', 'train/10', 'val/3'):
        path = tmp_path / 'images' / f'{name}.jpg'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', (40, 20)).save(path)
    labels = tmp_path / 'labels'
    for name, line in (
        ('train/2', '1 0.25 0.5 0.75 0.5 0.75 1 0.25 1\n'),
        ('train/10', '0 0 0 0.5 0 0.5 0.5\n'),
        ('val/3', ''),
    ):
        (labels / name).parent.mkdir(parents=True, exist_ok=True)
        (labels / f'{name}.txt').write_text(line)
    return tmp_path


def test_layout_of_ultralytics(yolo):
    labels = convert(yolo / 'data.yaml', yolo / 'out.json', 'yolo', 'ytvis')
    names = [video['file_names'] for video in labels['videos']]
    assert names == [['1.jpg'], ['2.jpg'], ['10.jpg']]
    assert [a['video_id'] for a in labels['annotations']] == [2, 3]
    item = labels['annotations'][0]
    assert item['category_id'] == 2
    assert item['bboxes'] == [[10, 10, 20, 10]]
    val = convert(yolo, yolo / 'val.json', 'yolo', 'ytvis', split='val')
    assert [video['file_names'] for video in val['videos']] == [['3.jpg']]
    assert not val['annotations']


def test_all_faults_are_listed_and_nothing_is_written(yolo):
    (yolo / 'labels/train/2.txt').write_text(
        '2 0 0 1 0 1 1\n0 0.5 0.5 0.1 0.1\n0 0 0 1 0 1 1 0\n\n'
        'fish 0 0 1 0 1 1\n0 0 0 1.5 0 1 1\n0 0 0 1 0 1 1\n'
    )
    (yolo / 'images/train/1.jpg').write_bytes(b'no image')
    with pytest.raises(UserValueError) as error:
        convert(yolo, yolo / 'out.json', 'yolo', 'ytvis')
    message = str(error.value)
    assert '7 faults' in message
    for part in (
        'class 2, expected one of 0 to 1',
        'is a box and has no mask',
        '7 coordinates, expected x y of 3 or more',
        'is empty',
        'expected the number of a class',
        'expected coordinates from 0 to 1',
        'train/1.jpg cannot be read',
    ):
        assert part in message, part
    assert not (yolo / 'out.json').exists()


@pytest.mark.parametrize(
    ('text', 'split'),
    [
        ('names: {0: a}\ntrain: images', 'val'),
        ('names: {1: a}\ntrain: images/train', 'train'),
        ('- 1', 'train'),
        ('a: [', 'train'),
    ],
)
def test_wrong_data_yaml_is_one_message(yolo, text, split):
    (yolo / 'data.yaml').write_text(text)
    with pytest.raises(UserValueError, match=r'expected a data\.yaml of YOLO'):
        convert(yolo, yolo / 'out.json', 'yolo', 'ytvis', split=split)


def test_without_labelformat_the_message_names_the_extra(yolo, monkeypatch):
    monkeypatch.setitem(sys.modules, 'labelformat', None)
    with pytest.raises(UserValueError, match=r"pip install 'mmvis\[labels\]'"):
        convert(yolo, yolo / 'out.json', 'yolo', 'ytvis')
