"""What a run of several processes needs, by strategy and machine."""

from importlib.util import find_spec

import torch
from mmengine.config import Config

from mmvis.errors import UserValueError

__all__ = ['choose_strategy', 'type_name', 'use_cpu_processes', 'use_whole_model']

_SHARDED = ('FSDPStrategy', 'DeepSpeedStrategy', 'ColossalAIStrategy')


def choose_strategy(cfg: Config) -> None:
    """Check the strategy of a ``FlexibleRunner``, and take that of mmvis by its name.

    Args:
        cfg (Config): The runner's config, changed in place.

    Raises:
        ValueError: If the runner reads no strategy, or the strategy cannot run as the
            training was started, on this machine or with this config.
    """
    strategy = cfg.get('strategy')
    if strategy is None:
        return
    name = type_name(strategy)
    if cfg.get('runner_type') != 'FlexibleRunner':
        raise UserValueError(
            f'`strategy.type` is {name!r}, but `runner_type` is '
            f'{cfg.get("runner_type", "Runner")!r}, which reads no strategy. Set '
            "runner_type='FlexibleRunner', or leave the strategy out."
        )
    if name in _SHARDED:
        _check_sharded(cfg, name)
    if name in ('FSDPStrategy', 'DeepSpeedStrategy'):
        # MMEngine builds the strategy before it knows the default scope.
        strategy.type = f'mmvis.{name}'


def use_whole_model(cfg: Config) -> None:
    """Leave out a strategy that shares a training among processes: a test needs none.

    Args:
        cfg (Config): The runner's config, changed in place.
    """
    if type_name(cfg.get('strategy') or {}) in _SHARDED:
        cfg.strategy = None


def _check_sharded(cfg: Config, name: str) -> None:
    if cfg.launcher == 'none':
        raise UserValueError(
            f'`strategy.type` is {name!r}, which shares a training among processes, '
            'and there is one. Start with tools/dist_train.sh CONFIG GPUS.'
        )
    if name == 'DeepSpeedStrategy' and find_spec('deepspeed') is None:
        raise UserValueError(
            f'`strategy.type` is {name!r}, and DeepSpeed is not installed: pip install '
            "deepspeed. FSDP needs nothing more: strategy.type='FSDPStrategy'."
        )
    if name == 'ColossalAIStrategy' and not torch.cuda.is_available():
        raise UserValueError(
            f'`strategy.type` is {name!r}, which needs GPUs, and torch finds none. Use '
            "'FSDPStrategy' or 'DDPStrategy', or leave runner_type and strategy out."
        )
    hooks = [type_name(hook) for hook in cfg.get('custom_hooks') or ()]
    if 'EMAHook' in hooks:
        raise UserValueError(
            '`custom_hooks` has EMAHook, which averages whole weights and does not '
            f'work with {name}. Leave one of them out.'
        )

    if (cfg.get('randomness') or {}).get('diff_rank_seed'):
        raise UserValueError(
            '`randomness.diff_rank_seed` is True, so that each process would begin '
            f'with other weights, and {name} needs the same in all. Set it to False.'
        )


def type_name(part: dict) -> str:
    """Name of a part's type without the scope of its registry."""
    return str(part.get('type')).rpartition('.')[2]


def use_cpu_processes(cfg: Config) -> None:
    """Make a runner's config work in a distributed run without a GPU.

    MMEngine assumes a GPU as soon as there is a launcher. Here the process
    group is made over gloo before MMEngine looks for it. Does nothing where there is
    a GPU; without a launcher, only the config says gloo.

    Args:
        cfg (Config): The runner's config, changed in place.

    Raises:
        ValueError: If the launcher is not torchrun's, which sets the variables that
            gloo needs.
    """
    if torch.cuda.is_available():
        return
    cfg.merge_from_dict({'env_cfg.dist_cfg.backend': 'gloo'})
    if cfg.launcher == 'none':
        return
    if cfg.launcher != 'pytorch':
        raise UserValueError(
            f"Without a GPU the launcher must be 'pytorch', got '{cfg.launcher}'. "
            'Start with tools/dist_train.sh or tools/dist_test.sh.'
        )
    wrapper = dict(
        type='MMDistributedDataParallel',
        device_ids=None,
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False),
    )
    if cfg.get('runner_type') != 'FlexibleRunner':
        cfg.model_wrapper_cfg = {**wrapper, **(cfg.get('model_wrapper_cfg') or {})}
    else:
        cfg.strategy = cfg.get('strategy') or dict(type='DDPStrategy')
        if cfg.strategy.type == 'DDPStrategy':
            given = cfg.strategy.get('model_wrapper') or {}
            cfg.strategy.model_wrapper = {**wrapper, **given}
    torch.distributed.init_process_group(backend='gloo')
