from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmvis.engine import distributed
from mmvis.engine.distributed import (
    choose_strategy,
    use_cpu_processes,
    use_whole_model,
)
from mmvis.engine.run_config import read_config
from mmvis.errors import UserValueError


@pytest.fixture
def started(monkeypatch):
    """Backends of the process groups that would be started on a CPU."""
    backends = []
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(
        torch.distributed,
        'init_process_group',
        lambda backend: backends.append(backend),
    )
    return backends


def test_runner_and_strategy_get_a_wrapper_for_the_cpu(started):
    runner = Config(dict(launcher='pytorch', find_unused_parameters=True))
    flexible = Config(
        dict(
            launcher='pytorch',
            runner_type='FlexibleRunner',
            strategy=dict(type='DDPStrategy', model_wrapper=dict(static_graph=True)),
        )
    )
    bare = Config(dict(launcher='pytorch', runner_type='FlexibleRunner'))
    use_cpu_processes(runner)
    use_cpu_processes(flexible)
    use_cpu_processes(bare)
    assert started == ['gloo'] * 3
    assert bare.strategy.type == 'DDPStrategy'
    assert bare.strategy.model_wrapper.device_ids is None
    assert runner.env_cfg.dist_cfg.backend == 'gloo'
    assert runner.model_wrapper_cfg.device_ids is None
    assert runner.model_wrapper_cfg.find_unused_parameters is True
    assert flexible.strategy.model_wrapper.device_ids is None
    assert flexible.strategy.model_wrapper.static_graph is True
    assert 'model_wrapper_cfg' not in flexible


def sharded(**values):
    strategy = dict(type=values.pop('type', 'FSDPStrategy'))
    cfg = dict(launcher='pytorch', runner_type='FlexibleRunner', strategy=strategy)
    return Config({**cfg, **values})


def test_fsdp_is_that_of_mmvis_and_needs_no_wrapper(started):
    cfg = sharded()
    choose_strategy(cfg)
    use_cpu_processes(cfg)
    assert cfg.strategy == dict(type='mmvis.FSDPStrategy')
    assert started == ['gloo']


@pytest.mark.parametrize('name', ['FSDPStrategy', 'DeepSpeedStrategy'])
def test_a_base_file_shares_a_large_model(started, monkeypatch, tmp_path, name):
    monkeypatch.setattr(distributed, 'find_spec', lambda name: object())
    configs = Path(__file__).parents[2] / 'configs'
    base = f'_base_/strategies/{name.removesuffix("Strategy").lower()}.py'
    bases = [f'{configs}/videomt_vit-l.py', f'{configs}/{base}']
    (tmp_path / 'my.py').write_text(f'_base_ = {bases}')
    cfg = read_config(tmp_path / 'my.py')
    cfg.launcher = 'pytorch'
    choose_strategy(cfg)
    assert cfg.strategy.type == f'mmvis.{name}'


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        (dict(launcher='none'), 'among processes, and there is one. Start with'),
        (dict(runner_type='Runner'), "`runner_type` is 'Runner', which reads no"),
        (dict(type='ColossalAIStrategy'), 'needs GPUs, and torch finds none'),
        (dict(type='DeepSpeedStrategy'), 'DeepSpeed is not installed: pip install'),
        (dict(custom_hooks=[dict(type='EMAHook')]), 'averages whole weights'),
        (dict(custom_hooks=[dict(type='mmengine.EMAHook')]), 'averages whole weights'),
        (dict(type='mmengine.FSDPStrategy', launcher='none'), 'and there is one'),
        (dict(randomness=dict(diff_rank_seed=True)), 'begin with other weights'),
    ],
)
def test_what_a_strategy_cannot_do_is_refused_at_once(
    started, monkeypatch, values, message
):
    monkeypatch.setattr(distributed, 'find_spec', lambda name: None)
    with pytest.raises(UserValueError, match=message):
        choose_strategy(sharded(**values))
    assert started == []


def test_other_strategies_stay(started):
    cfg = sharded(type='DDPStrategy', launcher='none')
    choose_strategy(cfg)
    assert cfg.strategy.type == 'DDPStrategy'


def test_a_test_shares_no_weights():
    cfg = sharded()
    use_whole_model(cfg)
    assert cfg.strategy is None
    cfg = sharded(type='DDPStrategy')
    use_whole_model(cfg)
    assert cfg.strategy.type == 'DDPStrategy'


def test_of_a_single_process_only_the_backend_changes(started):
    cfg = Config(dict(launcher='none'))
    use_cpu_processes(cfg)
    assert started == []
    backend = dict(dist_cfg=dict(backend='gloo'))
    assert cfg.to_dict() == dict(launcher='none', env_cfg=backend)


def test_other_launchers_need_a_gpu(started):
    with pytest.raises(UserValueError, match="must be 'pytorch', got 'slurm'"):
        use_cpu_processes(Config(dict(launcher='slurm')))
