import pytest

from mmvis.datasets.categories import DATASET_CLASSES, match_categories


def as_categories(names, ids=None):
    ids = ids or range(1, len(names) + 1)
    return [dict(id=i, name=name) for i, name in zip(ids, names, strict=True)]


@pytest.mark.parametrize(
    ('version', 'spot_checks', 'num_classes'),
    [
        ('2019', {1: 'person', 6: 'sedan', 24: 'fox', 40: 'tennis_racket'}, 40),
        ('2021', {1: 'airplane', 26: 'person', 32: 'squirrel', 40: 'zebra'}, 40),
        ('2022', {1: 'airplane', 5: 'car', 14: 'flying_disc', 40: 'zebra'}, 40),
        ('ovis', {1: 'Person', 13: 'Giant_panda', 25: 'Vehical'}, 25),
    ],
)
def test_class_lists(version, spot_checks, num_classes):
    classes = DATASET_CLASSES[version]
    assert len(classes) == len(set(classes)) == num_classes
    assert {i: classes[i - 1] for i in spot_checks} == spot_checks


@pytest.mark.parametrize('version', ['2019', '2021', '2022', 'ovis'])
def test_ids_and_labels_round_trip(version):
    names = DATASET_CLASSES[version]
    cat_ids, classes = match_categories(as_categories(names), dataset_version=version)
    assert classes == names
    cat2label = {cat_id: label for label, cat_id in enumerate(cat_ids)}
    assert [cat_ids[cat2label[i]] for i in range(1, len(names) + 1)] == list(
        range(1, len(names) + 1)
    )
    assert [cat2label[i] for i in range(1, len(names) + 1)] == list(range(len(names)))


def test_ids_with_holes_in_any_order_of_the_file():
    categories = as_categories(['b', 'c', 'a'], ids=[7, 90, 2])
    assert match_categories(categories) == ([2, 7, 90], ('a', 'b', 'c'))


def test_metainfo_picks_and_orders():
    categories = as_categories(['a', 'b', 'c'], ids=[2, 7, 90])
    assert match_categories(categories, classes=['c', 'a']) == ([90, 2], ('c', 'a'))


@pytest.mark.parametrize('spelling', ['Vehical', 'vehicle', 'VEHICLE'])
def test_ovis_spellings(spelling):
    names = [name.lower() for name in DATASET_CLASSES['ovis'][:-1]] + [spelling]
    cat_ids, classes = match_categories(as_categories(names), dataset_version='ovis')
    assert cat_ids == list(range(1, 26))
    assert classes[-1] == 'Vehical'


def test_another_version_is_refused():
    categories = as_categories(DATASET_CLASSES['2021'])
    with pytest.raises(ValueError, match=r"'airplane' under id 1.*has .person. there"):
        match_categories(categories, dataset_version='2019')
    with pytest.raises(ValueError, match='has 40 entries, expected the 25'):
        match_categories(categories, dataset_version='ovis')


def test_unknown_class_is_refused():
    categories = as_categories(['a', 'b'])
    with pytest.raises(ValueError, match=r"lacks \['z'\] of `metainfo.classes`"):
        match_categories(categories, classes=['a', 'z'])


@pytest.mark.parametrize('classes', [None, ['a', 'b']])
def test_two_categories_of_one_name_are_refused(classes):
    categories = as_categories(['a', 'b', 'a'])
    with pytest.raises(ValueError, match=r'"categories" has .a. twice'):
        match_categories(categories, classes=classes)
