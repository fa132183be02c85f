"""Updates of a model that are shared out among processes by DeepSpeed."""

from __future__ import annotations

import copy
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import torch
from mmengine.optim import OptimWrapper
from torch import Tensor, nn
from torch.optim import Optimizer

from mmvis.registry import OPTIM_WRAPPERS

if TYPE_CHECKING:
    from deepspeed import DeepSpeedEngine

__all__ = ['ZeroOptimWrapper']


@OPTIM_WRAPPERS.register_module()
class ZeroOptimWrapper(OptimWrapper):
    """MMEngine's ``OptimWrapper`` for DeepSpeed's ZeRO.

    Its optimizer is the one of the plain training: it has all parameter groups, in
    which schedules change the learning rates, and no states. Those are in the parts
    that DeepSpeed updates.

    Attributes:
        engine (DeepSpeedEngine): Of the model; set after it is built.
    """

    engine: DeepSpeedEngine

    def part_optimizer(self) -> Optimizer:
        """Make the optimizer that DeepSpeed runs.

        Returns:
            Optimizer: One of the same settings, without frozen parameters.
        """
        self._groups_of_part = {}
        for index, group in enumerate(self.optimizer.param_groups):
            # DeepSpeed fails where a group has nothing to update.
            updated = [p for p in group['params'] if p.requires_grad and p.numel()]
            if updated:
                self._groups_of_part[index] = {**group, 'params': updated}
        part = copy.copy(self.optimizer)
        part.state = defaultdict(dict)
        part.param_groups = list(self._groups_of_part.values())
        return part

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        """Compute gradients, and their means over the processes."""
        self.engine.set_gradient_accumulation_boundary(self.should_sync())
        self.engine.backward(loss, scale_wrt_gas=False, **kwargs)
        self._inner_count += 1

    def step(self, **kwargs: Any) -> None:
        """Clip the gradients by the norm of the whole gradient, and update."""
        for index, of_part in self._groups_of_part.items():
            group = self.optimizer.param_groups[index]
            of_part.update({k: v for k, v in group.items() if k != 'params'})
        self.engine.step(**kwargs)
        if self.clip_grad_kwargs:
            norm = float(self.engine.get_global_grad_norm())
            self.message_hub.update_scalar('train/grad_norm', norm)

    def zero_grad(self, **kwargs: Any) -> None:
        """Do nothing: :meth:`step` has removed the gradients."""

    def state_dict(self) -> dict:
        """Settings and states as without DeepSpeed; a turn of all processes."""
        names, scalars = _split(next(iter(self._part_states().values()), {}))
        if names:
            self._link_states()
        states = {}
        for number, parameter in enumerate(self._parameters()):
            if parameter.requires_grad and (names or scalars):
                moments = {name: _whole_moment(parameter, name) for name in names}
                states[number] = {**moments, **copy.deepcopy(scalars)}
        return {**super().state_dict(), 'state': states}

    def load_state_dict(self, state_dict: dict) -> None:
        """Load settings and states as they are without DeepSpeed."""
        from deepspeed.utils import safe_set_full_optimizer_state

        super().load_state_dict({**state_dict, 'state': {}})
        states = state_dict['state']
        if not states:
            return
        names, scalars = _split(next(iter(states.values())))
        for part in self.engine.optimizer.single_partition_of_fp32_groups:
            moments = {name: torch.zeros_like(part) for name in names}
            self._part_states()[part] = {**moments, **copy.deepcopy(scalars)}
        self._link_states()
        parameters = self._parameters()
        for number, state in states.items():
            for name in names:
                safe_set_full_optimizer_state(parameters[number], state[name], name)

    def _parameters(self) -> list[nn.Parameter]:
        """In the order in which the optimizer counts."""
        return [p for group in self.optimizer.param_groups for p in group['params']]

    def _part_states(self) -> dict[Tensor, dict]:
        """States in this process, by its part of the weights of a group."""
        return self.engine.optimizer.optimizer.state

    def _link_states(self) -> None:
        """Tell DeepSpeed which part of the states belongs to which parameter.

        DeepSpeed itself does so after it has updated the first group, when the others
        may not have any.
        """
        from deepspeed.utils import lazy_init_hp_params_optimizer_state

        zero = self.engine.optimizer
        for group, part in zip(zero.bit16_groups, zero.single_partition_of_fp32_groups):
            lazy_init_hp_params_optimizer_state(group, part, self._part_states())


def _whole_moment(parameter: nn.Parameter, name: str) -> Tensor:
    from deepspeed.utils import safe_get_full_optimizer_state

    if not parameter.numel():  # it is in no part
        return torch.zeros_like(parameter, device='cpu')
    return safe_get_full_optimizer_state(parameter, name).cpu()


def _split(state: dict) -> tuple[list[str], dict]:
    """Names of states of single weights, and the states of all weights alike."""
    moments = [k for k, v in state.items() if isinstance(v, Tensor) and v.dim()]
    return moments, {k: v for k, v in state.items() if k not in moments}
