import pytest
from mmengine.config import Config

from mmvis.engine.class_count import count_classes, has_open_classes, set_num_classes
from mmvis.testing import make_tiny_vis


@pytest.fixture
def dataset(tmp_path, mmvis_scope):
    make_tiny_vis(tmp_path, classes=('cat', 'dog', 'cow'), ann_name='train.json')
    return dict(
        type='YouTubeVISDataset',
        data_root=str(tmp_path),
        ann_file='train.json',
        data_prefix=dict(img='JPEGImages/'),
        pipeline=[dict(type='SampleAllFrames'), dict(type='PackClipInputs')],
    )


def test_open_parts_get_the_number():
    model = dict(
        head=dict(num_classes=None, parts=[dict(num_classes=None)]),
        backbone=dict(num_classes=1000),
    )
    assert has_open_classes(model)
    set_num_classes(model, 3)
    assert model == dict(
        head=dict(num_classes=3, parts=[dict(num_classes=3)]),
        backbone=dict(num_classes=1000),
    )
    assert not has_open_classes(model)


def test_classes_are_counted(dataset):
    cfg = Config(
        dict(
            train_dataloader=dict(dataset=dataset),
            test_dataloader=dict(
                dataset=dict(
                    type='MixedClipDataset',
                    datasets=[dict(dataset, class_map=dict(cat='pet', dog='pet'))],
                )
            ),
        )
    )
    assert count_classes(cfg, 'train') == 3
    assert count_classes(cfg, 'test') == 1


def test_what_cannot_be_counted_is_an_error(dataset):
    with pytest.raises(ValueError, match=r'`model\.head\.num_classes` is None'):
        count_classes(Config(dict(test_dataloader=None)), 'test')
    wrong = Config(dict(train_dataloader=dict(dataset=dict(dataset, ann_file=5))))
    with pytest.raises(TypeError, match=r'train_dataloader\.dataset\.ann_file'):
        count_classes(wrong, 'train')
