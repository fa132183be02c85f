import pytest

from mmvis.engine.config_values import check_values

VALID = dict(
    model=dict(head=dict(num_classes=5, num_queries=7), init_cfg=None),
    train_cfg=dict(max_iters=10, val_interval=5),
    val_cfg=None,
    train_dataloader=dict(
        batch_size=2,
        num_workers=0,
        dataset=dict(
            datasets=[dict(data_root='d/', ann_file='a.json', data_prefix=dict(img=''))]
        ),
    ),
    optim_wrapper=dict(
        optimizer=dict(lr=1e-4), clip_grad=dict(max_norm=1, norm_type=2)
    ),
    randomness=dict(seed=None),
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


@pytest.mark.parametrize(
    ('path', 'value', 'expected'),
    [
        ('model.head.num_classes', '5', "an integer of at least 1, got '5'"),
        ('model.head.num_classes', 5.0, r'an integer of at least 1, got 5\.0'),
        ('model.head.num_classes', True, 'an integer'),
        ('model.head.num_queries', 0, 'an integer of at least 1, got 0'),
        ('train_cfg.max_iters', 'abc', 'an integer'),
        ('train_cfg.max_iters', -1, 'an integer'),
        ('train_cfg.val_interval', 0, 'an integer'),
        ('train_dataloader.batch_size', 'x', 'an integer'),
        ('train_dataloader.num_workers', -1, 'an integer of at least 0, got -1'),
        (f'{DATASET}.ann_file', 5, 'a path, as text, got 5'),
        (f'{DATASET}.data_root', ['a'], 'a path, as text'),
        (f'{DATASET}.data_prefix', 'images', "a dict .*got 'images'"),
        ('optim_wrapper.optimizer.lr', float('inf'), 'a finite number, got inf'),
        ('optim_wrapper.optimizer.lr', float('nan'), 'a finite number, got nan'),
        ('optim_wrapper.optimizer.lr', 10**400, 'a finite number, got 1000'),
        ('optim_wrapper.optimizer.lr', '1e-4', "a finite number, got '1e-4'"),
        ('optim_wrapper.clip_grad.max_norm', 'x', 'a number'),
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
