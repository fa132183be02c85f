"""A model whose weights are shared out among processes."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.model import BaseModel
from mmengine.model.wrappers import MMFullyShardedDataParallel
from torch import nn
from torch.distributed.fsdp import (
    FullOptimStateDictConfig,
    FullStateDictConfig,
    StateDictType,
)
from torch.distributed.fsdp.wrap import lambda_auto_wrap_policy

from mmvis.registry import MODEL_WRAPPERS

__all__ = ['ShardedModel', 'share_parameters']


@MODEL_WRAPPERS.register_module()
class ShardedModel(MMFullyShardedDataParallel):
    """Fully sharded data parallelism (FSDP) that validates as a single model does.

    Each process keeps a part of every weight, gradient and state of the optimizer. The
    whole weights of a block exist only while the block runs. Every forward pass is a
    turn of all processes, but those of a validation have videos of different lengths.
    In eval mode each process has a copy of the whole model, which ``val_step`` and
    ``test_step`` run. :meth:`eval` makes it, in all processes together; :meth:`train`
    removes it.

    ``state_dict`` has the names and shapes of the model without FSDP, in every process.

    Args:
        module (Module): The model, on the CPU.
        blocks (Sequence[str]): Class names of the modules whose weights are gathered
            one module at a time; all other weights are gathered together.
        **kwargs (Any): As of
            :class:`torch.distributed.fsdp.FullyShardedDataParallel`.
    """

    def __init__(
        self, module: nn.Module, *, blocks: Sequence[str], **kwargs: Any
    ) -> None:
        empty = _without_weights(module)
        policy = partial(
            lambda_auto_wrap_policy,
            lambda_fn=lambda part: type(part).__name__ in blocks,
        )
        super().__init__(module, auto_wrap_policy=policy, **kwargs)
        # Not submodules: they have no part in the training.
        self._hidden: dict[str, BaseModel] = dict(empty=empty)
        has_gpu = torch.cuda.is_available()
        self.set_state_dict_type(
            self,
            StateDictType.FULL_STATE_DICT,
            FullStateDictConfig(offload_to_cpu=has_gpu),
            FullOptimStateDictConfig(offload_to_cpu=has_gpu, rank0_only=True),
        )

    def train(self, mode: bool = True) -> ShardedModel:
        """Change the mode; the one of evaluation gathers the weights."""
        super().train(mode)
        self._hidden.pop('whole', None)
        if not mode:
            self._hidden['whole'] = self._gather()
        return self

    def val_step(self, data: dict) -> list:
        """Predict with the whole model, without the other processes."""
        return self._hidden['whole'].val_step(data)

    def test_step(self, data: dict) -> list:
        """Predict with the whole model, without the other processes."""
        return self._hidden['whole'].test_step(data)

    def _gather(self) -> BaseModel:
        whole = copy.deepcopy(self._hidden['empty'])
        whole.load_state_dict(self.state_dict(), assign=True)
        return whole.to(get_device()).eval()


def share_parameters(module: nn.Module) -> nn.Module:
    """Copy a model, but not its parameters.

    Once FSDP has changed the names and modules of the one, the other still has them.

    Args:
        module (Module): The model.

    Returns:
        Module: One with the same ``Parameter`` objects.
    """
    return copy.deepcopy(module, {id(p): p for p in module.parameters()})


def _without_weights(module: nn.Module) -> nn.Module:
    empty = share_parameters(module)
    for part in empty.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                weights = torch.empty_like(parameter, device='meta')
                part._parameters[name] = nn.Parameter(weights, requires_grad=False)
    return empty
