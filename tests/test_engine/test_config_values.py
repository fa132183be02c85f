import pytest

from mmvis.engine.config_values import check_values

VALID = dict(
    model=dict(
        data_preprocessor=dict(std=[58.4, 57.1, 57.4]),
        backbone=dict(style='pytorch', num_heads=(3, 6)),
        head=dict(num_classes=5, num_queries=7, layer=dict(num_heads=2)),
        init_cfg=None,
    ),
    train_cfg=dict(max_iters=10, val_interval=5),
    val_cfg=None,
    train_dataloader=dict(
        batch_size=2,
        num_workers=0,
        sampler=dict(type='SeededInfiniteSampler'),
        dataset=dict(
            datasets=[
                dict(
                    data_root='d/',
                    ann_file='a.json',
                    data_prefix=dict(img=''),
                    metainfo=dict(classes=['a', 'b']),
                    indices=None,
                    max_refetch=0,
                    pipeline=[
                        dict(type='Resize', scale=(640, 360)),
                        dict(type='PackClipInputs'),
                    ],
                )
            ]
        ),
    ),
    optim_wrapper=dict(
        optimizer=dict(lr=1e-4),
        paramwise_cfg=None,
        clip_grad=dict(max_norm=1, norm_type=2),
    ),
    param_scheduler=[dict(milestones=[3, 5], gamma=0.1)],
    default_hooks=dict(checkpoint=dict(interval=5)),
    custom_hooks=None,
    env_cfg=dict(mp_cfg=dict(mp_start_method='fork')),
    log_processor=dict(window_size=50),
    resume=False,
    randomness=dict(seed=None, deterministic=False),
    work_dir='work dirs/a, b',
    load_from=None,
    log_level='INFO',
)
DATASET = 'train_dataloader.dataset.datasets.0'


def changed(path, value):
    """The config with another value at a dotted path."""
    keys = [int(key) if key.isdigit() else key for key in path.split('.')]

    def put(part, keys):
        key, *rest = keys
        new = put(part[key], rest) if rest else value
        if isinstance(part, list):
            return [*part[:key], new, *part[key + 1 :]]
        return {**part, key: new}

    return put(VALID, keys)


def test_valid_values():
    check_values(VALID)
    check_values(changed('randomness.seed', 2**32 - 1))
    check_values(changed('log_level', 10))
    check_values(changed('default_hooks.checkpoint.interval', -1))
    check_values(changed('optim_wrapper.clip_grad', None))
    check_values(changed(f'{DATASET}.indices', 3))
    check_values(changed(f'{DATASET}.indices', [0, 2]))
    check_values(changed(f'{DATASET}.pipeline.0.scale', [(640, 360), (480, 270)]))
    check_values(changed('param_scheduler', VALID['param_scheduler'][0]))


@pytest.mark.parametrize(
    ('path', 'value', 'expected'),
    [
        ('model.head.num_classes', '5', "an integer of at least 1, got '5'"),
        ('model.head.num_classes', 5.0, r'an integer of at least 1, got 5\.0'),
        ('model.head.num_classes', True, 'an integer'),
        ('model.head.num_queries', 0, 'an integer of at least 1, got 0'),
        ('train_cfg.max_iters', 'abc', 'an integer'),
        ('train_cfg.max_iters', -1, 'an integer'),
        ('train_cfg.max_iters', 10**400, 'an integer'),
        ('train_cfg.val_interval', 0, 'an integer'),
        ('train_dataloader.batch_size', 'x', 'an integer'),
        ('train_dataloader.num_workers', -1, 'an integer of at least 0, got -1'),
        (f'{DATASET}.ann_file', 5, 'a path, as text, got 5'),
        (f'{DATASET}.data_root', ['a'], 'the path of a folder, as text'),
        (f'{DATASET}.data_prefix', 'images', "a dict .*got 'images'"),
        ('optim_wrapper.optimizer.lr', float('inf'), 'a finite number, got inf'),
        ('optim_wrapper.optimizer.lr', float('nan'), 'a finite number, got nan'),
        ('optim_wrapper.optimizer.lr', 10**400, 'a finite number, got 1000'),
        ('optim_wrapper.optimizer.lr', '1e-4', "a finite number, got '1e-4'"),
        ('optim_wrapper.clip_grad.max_norm', 'x', 'a number'),
        ('model.head.layer.num_heads', 0, 'an integer of at least 1, got 0'),
        ('model.backbone.style', 'foo', "'pytorch' or 'caffe', got 'foo'"),
        ('model.data_preprocessor.std', [1, 0, 1], 'a list of positive numbers'),
        ('train_cfg', 5, 'a dict, got 5'),
        ('train_dataloader', [1], r'a dict, got \[1\]'),
        ('train_dataloader.sampler', None, 'a dict with the type, got None'),
        ('train_dataloader.dataset', 'x', "a dict with the type, got 'x'"),
        (f'{DATASET}.pipeline', [], r'a list of at least one dict.*got \[\]'),
        (f'{DATASET}.pipeline', None, 'a list of at least one dict.*got None'),
        (f'{DATASET}.pipeline', [5], r'a list of at least one dict.*got \[5\]'),
        (f'{DATASET}.pipeline.0.scale', (0, 5), 'a size of at least one pixel'),
        (f'{DATASET}.metainfo.classes', 5, 'a list of names'),
        (f'{DATASET}.indices', 0, 'a number of samples, or a list'),
        (f'{DATASET}.max_refetch', 'x', 'an integer of at least 0'),
        (f'{DATASET}.data_root', 's3://bucket/a', 'the path of a folder.*client is'),
        (f'{DATASET}.data_root', 'foo://a', 'the path of a folder'),
        (f'{DATASET}.data_prefix.img', 'http://host/a', 'the path of a folder'),
        ('optim_wrapper.optimizer', None, 'a dict with the type'),
        ('optim_wrapper.paramwise_cfg', 5, 'a dict, got 5'),
        ('optim_wrapper.clip_grad', 5, 'None or a dict of clip_value'),
        ('optim_wrapper.clip_grad', dict(max_nrm=1), 'None or a dict.* max_norm'),
        ('param_scheduler', [5], 'a dict or a list of dicts'),
        ('param_scheduler.0.milestones', ['x'], 'a list of integers'),
        ('param_scheduler.0.gamma', float('nan'), 'a finite number, got nan'),
        ('default_hooks.checkpoint', 5, 'a dict, got 5'),
        ('default_hooks.checkpoint.interval', 0, 'an integer of at least 1, or -1'),
        ('custom_hooks', [5], 'a dict or a list of dicts'),
        ('env_cfg.mp_cfg.mp_start_method', 'foo', 'one of fork'),
        ('log_processor.window_size', 'x', 'an integer of at least 1'),
        ('resume', 5, 'True or False, got 5'),
        ('randomness.deterministic', 'x', 'True or False'),
        ('randomness.seed', -1, r'an integer in \[0, 2\*\*32\), or None, got -1'),
        ('randomness.seed', 2**32, 'an integer in'),
        ('randomness.seed', 'x', 'an integer in'),
        ('work_dir', 'a\0b', 'the path of a folder, as text'),
        ('work_dir', 5, 'the path of a folder, as text, got 5'),
        ('load_from', 5, 'the path of a checkpoint, as text, got 5'),
        ('log_level', 'LOUD', "one of DEBUG, .*, got 'LOUD'"),
    ],
)
def test_wrong_values_are_named(path, value, expected):
    with pytest.raises(ValueError, match=f'^`{path}` must be {expected}'):
        check_values(changed(path, value))


@pytest.mark.parametrize('model', [None, 'IFC', [1]])
def test_model_is_a_dict(model):
    with pytest.raises(TypeError, match='`model` must be a dict with the type'):
        check_values({**VALID, 'model': model})


def test_loop_loader_and_evaluator_come_together():
    dataset = dict(type='A')
    loader = dict(dataset=dataset, sampler=dict(type='B'))
    whole = dict(test_cfg={}, test_dataloader=loader, test_evaluator={})
    check_values({**VALID, **whole})
    with pytest.raises(ValueError, match=r'^`test_cfg` and `test_evaluator` must be'):
        check_values({**VALID, 'test_dataloader': loader})
