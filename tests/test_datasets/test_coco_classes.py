import pytest

from mmvis.datasets import COCO_CLASS_MAPS, DATASET_CLASSES

COCO = {
    'person', 'bicycle', 'car', 'motorcycle', 'airplane', 'bus', 'train', 'truck',
    'boat', 'bird', 'cat', 'dog', 'horse', 'sheep', 'cow', 'elephant', 'bear', 'zebra',
    'giraffe', 'frisbee', 'snowboard', 'skateboard', 'surfboard', 'tennis racket',
}  # fmt: skip


@pytest.mark.parametrize(
    ('version', 'num_mapped'), [('2019', 19), ('2021', 21), ('2022', 21), ('ovis', 18)]
)
def test_both_sides_exist(version, num_mapped):
    class_map = COCO_CLASS_MAPS[version]
    assert set(class_map) <= COCO
    assert set(class_map.values()) <= set(DATASET_CLASSES[version])
    assert len(class_map) == num_mapped


def test_same_name_for_another_thing_is_dropped():
    for class_map in COCO_CLASS_MAPS.values():
        assert 'mouse' not in class_map
    assert 'bird' not in COCO_CLASS_MAPS['2019']


def test_versions_differ():
    assert COCO_CLASS_MAPS['2019']['car'] == 'sedan'
    assert COCO_CLASS_MAPS['2021']['car'] == 'car'
    assert {COCO_CLASS_MAPS['ovis'][c] for c in ('car', 'bus', 'truck')} == {'Vehical'}
