import pytest
from mmengine.config import Config

from mmvis.engine import tracking
from mmvis.engine.tracking import add_tracker
from mmvis.errors import UserValueError


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.setattr(tracking, 'find_spec', lambda name: name)


@pytest.mark.usefixtures('installed')
def test_tracker_is_added_once():
    cfg = Config(dict(work_dir='out/mine', custom_hooks=[dict(type='EMAHook')]))
    for _ in range(2):
        add_tracker(cfg, 'wandb')
    local, wandb = cfg.visualizer.vis_backends
    assert local.type == 'LocalVisBackend'
    assert wandb.type == 'WandbBackend'
    assert wandb.init_kwargs == dict(project='mmvis', name='mine')
    assert [hook.type for hook in cfg.custom_hooks] == [
        'EMAHook',
        'ValidationImagesHook',
    ]


@pytest.mark.usefixtures('installed')
def test_what_the_config_has_stays():
    backend = dict(type='TensorboardVisBackend', save_dir='mine')
    hook = dict(type='ValidationImagesHook', num_videos=9)
    cfg = Config(
        dict(
            work_dir='out',
            custom_hooks=[hook],
            visualizer=dict(type='VISVisualizer', vis_backends=[backend]),
        )
    )
    add_tracker(cfg, 'tensorboard')
    assert cfg.visualizer == dict(type='VISVisualizer', vis_backends=[backend])
    assert cfg.custom_hooks == [hook]


@pytest.mark.parametrize('name', tracking.TRACKERS)
def test_missing_package_is_one_message(name, monkeypatch):
    monkeypatch.setattr(tracking, 'find_spec', lambda name: None)
    with pytest.raises(UserValueError, match=f'pip install {name}'):
        add_tracker(Config(dict(work_dir='out')), name)
