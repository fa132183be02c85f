"""Training of models that are too large for one GPU, with DeepSpeed."""

from __future__ import annotations

from typing import Any

from mmengine._strategy import DDPStrategy
from mmengine._strategy.deepspeed import MMDeepSpeedEngineWrapper
from mmengine.config import ConfigDict
from mmengine.device import get_device
from mmengine.model import BaseModel
from mmengine.optim import build_optim_wrapper
from mmengine.runner.checkpoint import weights_to_cpu

from mmvis.engine.strategies.zero_optim_wrapper import ZeroOptimWrapper
from mmvis.errors import UserValueError
from mmvis.registry import STRATEGIES

__all__ = ['DeepSpeedStrategy']

# Settings of DeepSpeed that the config of a training has in another place.
_SET_ELSEWHERE = dict(
    optimizer='optim_wrapper.optimizer',
    scheduler='param_scheduler',
    gradient_clipping='optim_wrapper.clip_grad',
    gradient_accumulation_steps='optim_wrapper.accumulative_counts',
    train_batch_size='train_dataloader.batch_size',
    train_micro_batch_size_per_gpu='train_dataloader.batch_size',
    torch_autocast='optim_wrapper.type',
    fp16='optim_wrapper.type',
    bf16='optim_wrapper.type',
    amp='optim_wrapper.type',
)
_AMP_ARGUMENTS = ('dtype', 'loss_scale')  # which OptimWrapper does not have


@STRATEGIES.register_module()
class DeepSpeedStrategy(DDPStrategy):
    """DeepSpeed's ZeRO-2, with the results and files of a plain training.

    Each process keeps a part of the gradients and of the optimizer's states, and the
    whole weights (Rajbhandari et al., ZeRO, SC 2020, section 5). It differs from
    MMEngine's strategy of this name in that

    - checkpoints are those of a training without it: one file, the weights and the
      state of the optimizer by the same names and numbers. Either resumes the other;
    - optimizer, learning rates, clipping and accumulation are those of
      ``optim_wrapper``;
    - it runs without a GPU, too, over gloo.

    Args:
        config (dict | None): What DeepSpeed's configuration file may have, for example
            ``dict(zero_optimization=dict(offload_optimizer=dict(device='cpu')))``. The
            stage of ZeRO is 1 or 2. Defaults to stage 2.
        **kwargs (Any): Of :class:`mmengine._strategy.DDPStrategy`.

    Raises:
        ValueError: If the configuration asks for another stage, or for what is set
            elsewhere.
    """

    def __init__(self, *, config: dict | None = None, **kwargs: Any) -> None:
        if 'model_wrapper' in kwargs:
            raise UserValueError(
                '`strategy.model_wrapper` is for other strategies; settings of '
                'DeepSpeed go into `strategy.config`.'
            )
        super().__init__(**kwargs)
        given = _dict_of(config, 'config')
        zero = _dict_of(given.get('zero_optimization'), 'config.zero_optimization')
        zero.setdefault('stage', 2)
        _check_config(given, zero['stage'])
        self.config = {
            'zero_allow_untested_optimizer': True,
            'zero_force_ds_cpu_optimizer': False,
            **given,
            'zero_optimization': zero,
            'train_micro_batch_size_per_gpu': 1,  # only for a speed in DeepSpeed's log
        }

    def _wrap_model(self, model: BaseModel) -> BaseModel:
        """Move it; DeepSpeed wraps the model together with its optimizer."""
        return self.convert_model(model.to(get_device()))

    def build_optim_wrapper(
        self, optim_wrapper: dict, model: BaseModel
    ) -> ZeroOptimWrapper:
        """Build the optimizer from its config, and wrap the model.

        Raises:
            ValueError: If DeepSpeed cannot do what the wrapper asks for.
        """
        settings = _settings_of(optim_wrapper)

        import deepspeed

        own = {k: v for k, v in optim_wrapper.items() if k not in _AMP_ARGUMENTS}
        built = build_optim_wrapper(model, ConfigDict(own, type='ZeroOptimWrapper'))
        built.engine, *_ = deepspeed.initialize(
            model=model,
            optimizer=built.part_optimizer(),
            config={**self.config, **settings},
        )
        self.model = MMDeepSpeedEngineWrapper(model=built.engine)
        return built

    def load_model_state_dict(self, state_dict: dict, **kwargs: Any) -> None:
        """Load weights, which the optimizer has a copy of."""
        super().load_model_state_dict(state_dict, **kwargs)
        self.optim_wrapper.engine.optimizer.refresh_fp32_params()

    def save_checkpoint(self, filename: str, **kwargs: Any) -> None:
        """Save a whole checkpoint, in all processes together."""
        # The first process writes it, but cannot gather it alone.
        self._optim_state_dict = self.optim_wrapper.state_dict()
        super().save_checkpoint(filename, **kwargs)
        del self._optim_state_dict

    def model_state_dict(self) -> dict:
        """Weights by their names without DeepSpeed, on the CPU."""
        return weights_to_cpu(self.model.module.state_dict())

    def optim_state_dict(self) -> dict:
        """State of the optimizer as without DeepSpeed, while a checkpoint is saved."""
        return self._optim_state_dict


def _dict_of(value: Any, name: str) -> dict:
    if value is not None and not isinstance(value, dict):
        raise UserValueError(f'`strategy.{name}` is {value!r}, must be a dict.')
    return ConfigDict(value or {}).to_dict()


def _check_config(config: dict, stage: Any) -> None:
    if stage not in (1, 2):
        raise UserValueError(
            f'`strategy.config.zero_optimization.stage` is {stage!r}, must be 1 or 2. '
            "To share the weights, as stage 3 does: strategy.type='FSDPStrategy'."
        )
    for name, instead in _SET_ELSEWHERE.items():
        if name in config:
            raise UserValueError(
                f'`strategy.config.{name}` must be left out: set `{instead}`.'
            )


def _settings_of(optim_wrapper: dict) -> dict:
    """What DeepSpeed's configuration calls the arguments of a wrapper."""
    name = optim_wrapper.get('type', 'OptimWrapper')
    if name not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise UserValueError(
            f'`optim_wrapper.type` is {name!r}; with DeepSpeedStrategy it must be '
            "'OptimWrapper' or 'AmpOptimWrapper'."
        )
    settings = dict(
        gradient_accumulation_steps=optim_wrapper.get('accumulative_counts', 1),
        gradient_clipping=_max_norm(optim_wrapper.get('clip_grad')),
    )
    if name == 'AmpOptimWrapper':
        loss_scale = optim_wrapper.get('loss_scale', 'dynamic')
        if loss_scale != 'dynamic':
            raise UserValueError(
                f'`optim_wrapper.loss_scale` is {loss_scale!r}; with DeepSpeedStrategy '
                "it must be 'dynamic'."
            )
        dtype = optim_wrapper.get('dtype', 'float16')
        settings['torch_autocast'] = dict(enabled=True, dtype=dtype)
    return settings


def _max_norm(clip_grad: dict | None) -> float:
    """The norm to which DeepSpeed clips; 0 is none."""
    if not clip_grad:
        return 0.0
    kind, norm_type = clip_grad.get('type', 'norm'), clip_grad.get('norm_type', 2)
    if kind != 'norm' or norm_type != 2:
        raise UserValueError(
            f'`optim_wrapper.clip_grad` has type {kind!r} and norm_type {norm_type}; '
            "DeepSpeed clips by type 'norm' with norm_type 2."
        )
    return float(clip_grad['max_norm'])
