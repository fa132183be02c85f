"""Training of models that are too large for one GPU."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import torch
from mmengine._strategy import FSDPStrategy as MMEngineFSDPStrategy
from mmengine.config import ConfigDict
from mmengine.logging import print_log
from mmengine.model import BaseDataPreprocessor
from mmengine.optim import build_optim_wrapper
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel

from mmvis.engine.strategies.sharded_model import ShardedModel, share_parameters
from mmvis.engine.strategies.sharded_optim_wrapper import (
    ShardedAmpOptimWrapper,
    ShardedOptimWrapper,
)
from mmvis.errors import UserValueError
from mmvis.registry import STRATEGIES

__all__ = ['FSDPStrategy']

_OPTIM_WRAPPERS = dict(
    OptimWrapper=ShardedOptimWrapper, AmpOptimWrapper=ShardedAmpOptimWrapper
)
# Of ViT, Swin and ResNet. They are only called as a whole: nothing else reads their
# weights, which are not there otherwise.
_BLOCKS = ('ViTBlock', 'SwinBlock', 'BasicBlock', 'Bottleneck')


@STRATEGIES.register_module()
class FSDPStrategy(MMEngineFSDPStrategy):
    """MMEngine's strategy for FSDP, with the results and files of a plain training.

    It differs from MMEngine's in that

    - checkpoints are those of a training without it: one file, the weights and the
      state of the optimizer by the same names and numbers. Either resumes the other;
    - gradients are clipped by the norm of the whole gradient;
    - the optimizer's settings by name follow the names of the model without FSDP;
    - it runs without a GPU, too, over gloo;
    - a validation may have another number of steps in each process.

    Args:
        blocks (Sequence[str]): Class names of the modules whose weights are gathered
            one module at a time. Defaults to the blocks of ViT, Swin and ResNet.
        model_wrapper (dict | None): Further arguments of
            :class:`torch.distributed.fsdp.FullyShardedDataParallel`, for example
            ``sharding_strategy='SHARD_GRAD_OP'`` or ``cpu_offload=True``.
        **kwargs (Any): Of :class:`mmengine._strategy.FSDPStrategy`.

    Raises:
        ValueError: If ``state_dict_cfg`` is given.
    """

    def __init__(
        self,
        *,
        blocks: Sequence[str] = _BLOCKS,
        model_wrapper: dict | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.pop('state_dict_cfg', 'full') != 'full':
            raise UserValueError(
                '`strategy.state_dict_cfg` must be left out: checkpoints are whole '
                'ones, which any training and test can load.'
            )
        super().__init__(
            model_wrapper=model_wrapper or {}, state_dict_cfg='full', **kwargs
        )
        self.blocks = tuple(blocks)
        has_gpu = torch.cuda.is_available()
        self._device = int(os.environ['LOCAL_RANK']) if has_gpu else torch.device('cpu')

    def _wrap_model(self, model: nn.Module) -> ShardedModel:
        for module in model.modules():
            if isinstance(module, BaseDataPreprocessor):
                module.to(self._device)
        for parameter in model.parameters():
            vars(parameter)['whole_shape'] = parameter.shape
        self._plain_model = share_parameters(model)
        self._names = {id(p): name for name, p in model.named_parameters()}
        sharded = ShardedModel(
            model,
            blocks=self.blocks,
            device_id=self._device,
            use_orig_params=True,
            **self.model_wrapper,
        )
        num_blocks = len(FullyShardedDataParallel.fsdp_modules(sharded)) - 1
        print_log(
            f'Of each weight a process keeps a part: {num_blocks} blocks are gathered '
            'one at a time, the rest together.',
            logger='current',
        )
        return sharded

    def build_optim_wrapper(
        self, optim_wrapper: dict, model: nn.Module | None = None
    ) -> ShardedOptimWrapper | ShardedAmpOptimWrapper:
        """Build the optimizer from its config, with the names of the plain model.

        Raises:
            ValueError: If the wrapper is none that can clip gradients in parts.
        """
        name = optim_wrapper.get('type', 'OptimWrapper')
        if name not in _OPTIM_WRAPPERS:
            raise UserValueError(
                f'`optim_wrapper.type` is {name!r}; with FSDPStrategy it must be one '
                f'of {", ".join(_OPTIM_WRAPPERS)}.'
            )
        optim_wrapper = {**optim_wrapper, 'type': _OPTIM_WRAPPERS[name]}
        if name == 'AmpOptimWrapper':
            optim_wrapper['use_fsdp'] = True
        built = build_optim_wrapper(self._plain_model, ConfigDict(optim_wrapper))
        built.sharded_model = model
        return built

    def optim_state_dict(self) -> dict:
        """State of the optimizer as without FSDP; in the first process only."""
        whole = FullyShardedDataParallel.optim_state_dict(
            self.model, self.optim_wrapper.optimizer
        )
        states = whole.get('state', {})
        numbers = enumerate(self._parameter_names())
        by_number = {i: states[name] for i, name in numbers if name in states}
        return {**self.optim_wrapper.state_dict(), 'state': by_number}

    def load_optim_state_dict(self, state_dict: dict) -> None:
        """Load the state of an optimizer as it is without FSDP."""
        names = self._parameter_names()
        by_name = dict(
            state={names[i]: state for i, state in state_dict['state'].items()},
            param_groups=[
                {**group, 'params': [names[i] for i in group['params']]}
                for group in state_dict['param_groups']
            ],
        )
        own_part = FullyShardedDataParallel.optim_state_dict_to_load(
            self.model, self.optim_wrapper.optimizer, by_name
        )
        self.optim_wrapper.load_state_dict({**state_dict, **own_part})

    def _parameter_names(self) -> list[str]:
        """Names in the plain model, in the order in which the optimizer counts."""
        groups = self.optim_wrapper.optimizer.param_groups
        return [self._names[id(p)] for group in groups for p in group['params']]
