"""Distributed runs without a GPU."""

import torch
from mmengine.config import Config

from mmvis.errors import UserValueError

__all__ = ['use_cpu_processes']


def use_cpu_processes(cfg: Config) -> None:
    """Make a runner's config work in a distributed run without a GPU.

    MMEngine assumes a GPU as soon as there is a launcher. Here the process
    group is made over gloo before MMEngine looks for it. Does nothing where there is
    a GPU; without a launcher, only the config says gloo.

    Args:
        cfg (Config): The runner's config, changed in place.

    Raises:
        ValueError: If the launcher is not torchrun's, which sets the variables that
            gloo needs, or the strategy of a ``FlexibleRunner`` needs a GPU.
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
    strategy = cfg.get('strategy')
    if strategy is not None and strategy.type != 'DDPStrategy':
        # MMEngine gives FSDP the index of a GPU, and moves its weights from one.
        raise UserValueError(
            f"`strategy.type` is '{strategy.type}', which needs GPUs, and torch finds "
            "none. Use 'DDPStrategy', or leave runner_type and strategy out."
        )
    wrapper = dict(
        type='MMDistributedDataParallel',
        device_ids=None,
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False),
    )
    if strategy is None:
        cfg.model_wrapper_cfg = {**wrapper, **(cfg.get('model_wrapper_cfg') or {})}
    else:  # of a FlexibleRunner
        given = strategy.get('model_wrapper') or {}
        strategy.model_wrapper = {**wrapper, **given}
    torch.distributed.init_process_group(backend='gloo')
