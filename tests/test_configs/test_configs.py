"""Every config is loaded and its model built."""

import ast
from functools import cache
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from mmvis.engine.class_count import set_num_classes
from mmvis.engine.run_config import merge_options, read_config
from mmvis.registry import DATASETS, MODELS
from mmvis.testing import make_tiny_vis

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
LEAVES = sorted(path.stem for path in CONFIGS.glob('*.py'))
NUM_CLASSES = {'2019': 40, '2021': 40, '2022': 40, 'ovis': 25}


def read(name):
    cfg = read_config(CONFIGS / f'{name}.py')
    merge_options(cfg, None)
    set_num_classes(cfg.model, 4)  # where it is left to the data
    return cfg


@cache
def build_and_count(text):
    """Trained parameters, those in the optimizer's groups, and classes of a model.

    Leaves that differ in their data alone share the ``text`` of model and optimizer.
    """
    cfg = Config(ast.literal_eval(text))
    init_default_scope('mmvis')
    model = MODELS.build(cfg.model)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    in_groups = [p for group in wrapper.param_groups for p in group['params']]
    trained, learning = (
        sum(p.requires_grad for p in params)
        for params in (model.parameters(), in_groups)
    )
    return trained, learning, model.head.num_classes


@pytest.mark.parametrize('name', LEAVES)
def test_model_is_built(name):
    cfg = read(name)
    cfg.model.backbone.init_cfg = None  # no downloads
    if cfg.optim_wrapper.type == 'AmpOptimWrapper':  # is not built without a GPU
        cfg.optim_wrapper.type = 'OptimWrapper'
        del cfg.optim_wrapper.loss_scale
    parts = Config(dict(model=cfg.model, optim_wrapper=cfg.optim_wrapper))
    trained, learning, num_classes = build_and_count(repr(parts.to_dict()))
    assert trained == learning > 0
    version = cfg.get('dataset_version')
    if version is not None:
        assert num_classes == NUM_CLASSES[version]


@pytest.mark.parametrize('name', LEAVES)
def test_config_is_complete(name):
    cfg = read(name)
    assert cfg.default_scope == 'mmvis'
    assert cfg.train_cfg.max_iters > 0
    dataset = cfg.train_dataloader.dataset
    for part in dataset.get('datasets', [dataset]):
        assert part.pipeline[-1].type == 'PackClipInputs'
    scheduler = cfg.param_scheduler[-1]
    last = max(scheduler.get('milestones', [scheduler.get('end', 0)]))
    assert 0 < last <= cfg.train_cfg.max_iters


def test_published_recipe():
    """golden/ifc/notes.md, section 4."""
    cfg = Config.fromfile(CONFIGS / 'ifc_r50.py')
    assert cfg.optim_wrapper.optimizer == dict(type='AdamW', lr=1e-4, weight_decay=1e-4)
    assert cfg.optim_wrapper.clip_grad.max_norm == 0.01
    assert cfg.train_cfg.max_iters == 6000
    assert cfg.param_scheduler[0].milestones == [4000]
    assert cfg.auto_scale_lr == dict(enable=True, base_batch_size=16)
    cfg = Config.fromfile(CONFIGS / 'ifc_r101_coco.py')
    assert cfg.train_cfg.max_iters == 1848000
    assert cfg.model.backbone.style == 'caffe'
    assert cfg.model.data_preprocessor.bgr_to_rgb is False


def test_pipeline_of_the_recipe_runs(tmp_path):
    make_tiny_vis(tmp_path, size=(48, 64), ann_name='train.json')
    cfg = Config.fromfile(CONFIGS / 'ifc_r50.py')
    init_default_scope('mmvis')
    dataset = DATASETS.build(
        dict(
            cfg.train_dataloader.dataset,
            dataset_version=None,
            data_root=str(tmp_path),
            data_prefix=dict(img='JPEGImages/'),
        )
    )
    inputs = dataset[0]['inputs']
    assert inputs.shape[:2] == (5, 3)
    assert inputs.shape[2] in (360, 480)
