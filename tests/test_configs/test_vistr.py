"""The published recipe of VisTR, golden/vistr/notes.md, section 5."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmvis.registry import DATASETS, MODELS
from mmvis.testing import make_tiny_vis

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


def test_recipe():
    cfg = Config.fromfile(CONFIGS / 'vistr_r50.py')
    assert cfg.optim_wrapper.optimizer == dict(type='AdamW', lr=1e-4, weight_decay=1e-4)
    assert cfg.optim_wrapper.clip_grad.max_norm == 0.1
    assert cfg.train_cfg.max_iters / cfg.param_scheduler[0].milestones[0] == 18 / 12
    assert cfg.auto_scale_lr == dict(enable=True, base_batch_size=8)
    assert cfg.train_dataloader.batch_size == 1
    assert cfg.train_dataloader.sampler.once_per == 'frame'


def test_config_for_small_gpus_makes_the_same_updates():
    whole = Config.fromfile(CONFIGS / 'vistr_r50.py')
    small = Config.fromfile(CONFIGS / 'vistr_r50_24g.py')
    assert small.optim_wrapper.type == 'AmpOptimWrapper'
    factor = small.optim_wrapper.accumulative_counts
    assert factor * small.train_dataloader.batch_size == 8
    assert small.train_cfg.max_iters == factor * whole.train_cfg.max_iters
    (step,) = whole.param_scheduler[0].milestones
    assert small.param_scheduler[0].milestones == [factor * step]
    assert small.optim_wrapper.optimizer == whole.optim_wrapper.optimizer
    assert not small.auto_scale_lr.enable
    for part in ('backbone', 'neck', 'head'):
        assert small.model[part].pop('with_cp')
    assert small.model == whole.model


def test_small_model_recomputes():
    cfg = Config.fromfile(CONFIGS / 'vistr_r50_24g.py').model
    init_default_scope('mmvis')
    cfg.backbone.init_cfg = None
    model = MODELS.build(cfg)
    assert model.necks[0].with_cp
    assert model.head.with_cp
    assert model.head.decoder.with_cp


@pytest.mark.parametrize(
    'path', sorted(CONFIGS.glob('vistr_*.py')), ids=lambda path: path.stem
)
def test_clips_have_as_many_frames_as_the_head_has_queries_for(path):
    cfg = Config.fromfile(path)
    sample = cfg.train_dataloader.dataset.pipeline[0]
    assert sample.clip_len == cfg.model.head.clip_len


@pytest.mark.parametrize(('name', 'size'), [('r50', (300, 540)), ('r101', (280, 504))])
def test_pipeline(tmp_path, name, size):
    """A video of 5 frames fills 36, ends anywhere; each frame has its own colours."""
    make_tiny_vis(tmp_path, video_len=5, size=(48, 64), ann_name='train.json')
    cfg = Config.fromfile(CONFIGS / f'vistr_{name}.py')
    init_default_scope('mmvis')
    dataset = DATASETS.build(
        dict(
            cfg.train_dataloader.dataset,
            dataset_version=None,
            data_root=str(tmp_path),
            data_prefix=dict(img='JPEGImages/'),
        )
    )
    torch.manual_seed(0)
    item = dataset[0]
    T, channels, h, w = item['inputs'].shape
    assert (T, channels) == (36, 3)
    assert min(h, w) == size[0] or max(h, w) == size[1]
    assert max(h, w) <= size[1]
    frames = [f.frame_id for f in item['data_samples'].video_data_samples]
    assert all((b - a) % 5 == 1 for a, b in pairwise(frames))
    same = [t for t in range(1, T) if frames[t] == frames[0]]
    means = item['inputs'].float().mean((2, 3))
    assert (means[same] - means[0]).abs().max() > 1  # colours differ
