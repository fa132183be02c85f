"""Errors of borrowed parts, built from a real config, name the field."""

import copy

import pytest
from mmengine.config import Config
from mmengine.registry import HOOKS, LOOPS, OPTIMIZERS
from mmengine.runner import Runner
from torch import nn

from mmvis.engine.user_errors import explain, is_user_error
from mmvis.registry import MODELS


@pytest.fixture(scope='module')
def config(request):
    path = request.config.rootpath / 'tests/data/configs/ifc_tiny.py'
    return Config.fromfile(path)


def explained(cfg, build):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of any class
        build(cfg)
    assert is_user_error(caught.value)
    return explain(caught.value, cfg)


def build_model(cfg):
    return MODELS.build(copy.deepcopy(cfg.model))


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        (
            {'model.backbone.depth': 19},
            '`model.backbone` (ResNet) cannot be built: invalid depth 19 for resnet.',
        ),
        (
            {'model.backbone.out_indices': (0, 9)},
            '`model.backbone` (ResNet) cannot be built: `assert max(out_indices)',
        ),
        (
            {'model.backbone.frozen_stages': 9},
            "`model.backbone` (ResNet) cannot be built: 'ResNet' object has no attr",
        ),
        (
            {'model.backbone.norm_cfg.type': 'BNN'},
            "`model.backbone.norm_cfg.type` is 'BNN', which is no part of mmvis, "
            'MMDetection or MMEngine. Did you mean BN',
        ),
        (
            {'model.head.criterion.loss_mask.gama': 2},
            '`model.head.criterion.loss_mask` (FocalLoss) cannot be built: it has no '
            "argument 'gama'. Did you mean gamma?",
        ),
        (
            {'model.data_preprocessor.mean': [1, 2]},
            '`model.data_preprocessor` (TrackDataPreprocessor) cannot be built: `mean`',
        ),
        (
            {'model.head.criterion.loss_cls.type': 'CrossEntropyLos'},
            "`model.head.criterion.loss_cls.type` is 'CrossEntropyLos', which is no "
            'model of mmvis, MMDetection or MMEngine. Did you mean CrossEntropyLoss',
        ),
        # Of mmvis's own parts, which do not know where they stand.
        (
            {'model.neck.embed_dims': 33},
            '`model.neck` (MemoryTokenNeck): embed_dims=33 cannot be split among '
            'layer.num_heads=8.',
        ),
        (
            {'model.neck.layer.num_hads': 2},
            "`model.neck` (MemoryTokenNeck): `layer` is {'feedforward_channels': 64, "
            "'num_hads': 2}: got an unexpected keyword argument 'num_hads'. "
            'EncoderLayer takes num_heads, feedforward_channels, dropout.',
        ),
        (
            {'model.neck.num_layers': 0},
            '`model.neck` (MemoryTokenNeck): The number of layers must be at least 1',
        ),
    ],
)
def test_parts_of_a_model(config, options, expected, mmvis_scope):
    cfg = copy.deepcopy(config)
    cfg.merge_from_dict(options)
    assert explained(cfg, build_model).startswith(expected)


def test_optimizer(config):
    cfg = copy.deepcopy(config)
    cfg.optim_wrapper.optimizer.betas = 3
    parameters = nn.Linear(1, 1).parameters()
    optimizer = dict(cfg.optim_wrapper.optimizer, params=parameters)
    message = explained(cfg, lambda _: OPTIMIZERS.build(optimizer))
    assert message.startswith('`optim_wrapper.optimizer` (AdamW) cannot be built: ')


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        (
            {'sampler.sed': 3},
            '`train_dataloader.sampler` (DefaultSampler) cannot be built: it has no '
            "argument 'sed'. Did you mean seed?",
        ),
        (
            {'num_wokers': 3},
            "`train_dataloader` cannot be built: it has no argument 'num_wokers'. Did "
            'you mean num_workers?',
        ),
        (
            {'collate_fn': None},
            '`train_dataloader` cannot be built: collate_fn should be a dict or '
            'callable object, but got None. Correct its arguments.',
        ),
    ],
)
def test_data_loaders(options, expected):
    loader = dict(dataset=[1], batch_size=1, sampler=dict(type='DefaultSampler'))
    cfg = Config(dict(train_dataloader=loader, val_dataloader=loader))
    cfg.merge_from_dict({f'train_dataloader.{k}': v for k, v in options.items()})

    def build_loop(cfg):
        """A loop builds its loader in its constructor."""
        loop = dict(type=lambda: Runner.build_dataloader(cfg.train_dataloader))
        LOOPS.build(loop)

    assert explained(cfg, build_loop) == expected


def test_the_most_similar_of_equal_types_is_named():
    hooks = dict(
        a=dict(type='CheckpointHook', interval=1),
        b=dict(type='CheckpointHook', interval=2, save_best='nope'),
    )
    cfg = Config(dict(default_hooks=hooks))
    message = explained(cfg, lambda c: HOOKS.build(c.default_hooks.b))
    assert message.startswith('`default_hooks.b` (CheckpointHook) cannot be built: ')


def test_scope_of_another_package_is_named():
    cfg = Config(dict(default_scope='mmdet', model=dict(type='IFCHead')))
    message = explained(cfg, lambda c: MODELS.parent.build(c.model))
    assert message == (
        "`model.type` is 'IFCHead', a model of mmvis, but `default_scope` is 'mmdet'. "
        "Set default_scope='mmvis'."
    )
