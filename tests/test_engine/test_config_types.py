import pytest

from mmvis.engine.config_types import check_types


def make_config(**model):
    head = dict(type='IFCHead', num_classes=3, in_channels=[8, 16], decoder={})
    return dict(
        model=dict(type='IFC', backbone=dict(type='ResNet'), head={**head, **model})
    )


@pytest.mark.parametrize(
    'arguments',
    [
        dict(criterion=None),
        dict(in_channels=(8, 16)),  # written as a list or a tuple
        dict(type='mmdet.ResNet', depth='x'),  # checked by MMDetection
        dict(type='MyHead', anything=5),  # unknown here: another part imports it
        dict(type=dict, num_classes='x'),
    ],
)
def test_what_fits_passes(arguments):
    check_types(make_config(**arguments))


@pytest.mark.parametrize(
    ('name', 'value', 'expected'),
    [
        ('decoder', None, 'a dict'),
        ('criterion', 5, 'a dict or None'),
        ('num_classes', '3', 'an integer'),
        ('num_classes', True, 'an integer'),
        ('num_queries', 2.0, 'an integer'),
        ('in_channels', 8, 'a list, each item an integer'),
        ('in_channels', [8, 'x'], 'a list, each item an integer'),
    ],
)
def test_arguments_of_another_type_are_named(name, value, expected):
    with pytest.raises(TypeError, match=rf'^`model\.head\.{name}` must be {expected},'):
        check_types(make_config(**{name: value}))


def test_choices_are_listed():
    sampler = dict(type='SeededInfiniteSampler', once_per='second')
    with pytest.raises(TypeError, match=r"one of 'video', 'frame', .*got 'second'"):
        check_types(dict(train_dataloader=dict(sampler=sampler)))


def test_arguments_that_a_part_has_not_are_named():
    with pytest.raises(
        TypeError,
        match=r"^`model\.head` \(IFCHead\) has no argument 'num_querys'. "
        'Did you mean num_queries',
    ):
        check_types(make_config(num_querys=5))


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (
            dict(optim_wrapper=dict(optimizer=dict(type='Adamm'))),
            r"`optim_wrapper\.optimizer\.type` is 'Adamm', .*Did you mean Adam ",
        ),
        (
            dict(model=dict(test_cfg=dict(merger=dict(type='IFCMerger')))),
            r"`model\.test_cfg\.merger\.type` is 'IFCMerger'.* IFCClipMerger",
        ),
    ],
)
def test_parts_that_are_built_late_are_known(config, message):
    with pytest.raises(KeyError, match=message):
        check_types(config)


def make_pipeline(*steps, mixed=False):
    dataset = dict(pipeline=[dict(type=name) for name in steps])
    dataset = dict(dataset=dataset) if mixed else dict(datasets=[dataset])
    return dict(train_dataloader=dict(dataset=dataset))


def test_pipelines_pack_their_samples():
    check_types(make_pipeline('LoadClipAnnotations', 'PackClipInputs'))
    check_types(make_pipeline('LoadClipAnnotations', 'MyPacking'))
    check_types(make_pipeline('LoadClipAnnotations', mixed=True))
    with pytest.raises(
        ValueError,
        match=r'^`train_dataloader\.dataset\.datasets\.0\.pipeline` must end with .*'
        'last step is LoadClipAnnotations',
    ):
        check_types(make_pipeline('PackClipInputs', 'LoadClipAnnotations'))
