import pytest
import torch
from mmengine.config import Config

from mmvis.engine.distributed import use_cpu_processes
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
    use_cpu_processes(runner)
    use_cpu_processes(flexible)
    assert started == ['gloo', 'gloo']
    assert runner.env_cfg.dist_cfg.backend == 'gloo'
    assert runner.model_wrapper_cfg.device_ids is None
    assert runner.model_wrapper_cfg.find_unused_parameters is True
    assert flexible.strategy.model_wrapper.device_ids is None
    assert flexible.strategy.model_wrapper.static_graph is True
    assert 'model_wrapper_cfg' not in flexible


@pytest.mark.parametrize('name', ['FSDPStrategy', 'DeepSpeedStrategy'])
def test_strategies_for_gpus_are_refused_before_anything_starts(started, name):
    cfg = Config(
        dict(
            launcher='pytorch',
            runner_type='FlexibleRunner',
            strategy=dict(type=name),
        )
    )
    with pytest.raises(UserValueError, match=f"{name}', which needs GPUs"):
        use_cpu_processes(cfg)
    assert started == []


def test_of_a_single_process_only_the_backend_changes(started):
    cfg = Config(dict(launcher='none'))
    use_cpu_processes(cfg)
    assert started == []
    backend = dict(dist_cfg=dict(backend='gloo'))
    assert cfg.to_dict() == dict(launcher='none', env_cfg=backend)


def test_other_launchers_need_a_gpu(started):
    with pytest.raises(UserValueError, match="must be 'pytorch', got 'slurm'"):
        use_cpu_processes(Config(dict(launcher='slurm')))
