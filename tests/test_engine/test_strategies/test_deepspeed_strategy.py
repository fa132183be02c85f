"""What DeepSpeedStrategy refuses; test_two_processes.py trains with it."""

import pytest

from mmvis.engine.strategies import DeepSpeedStrategy
from mmvis.errors import UserValueError


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (
            dict(zero_optimization=dict(stage=3)),
            r"`strategy.config.zero_optimization.stage` is 3, must be 1 or 2.*'FSDP",
        ),
        (
            dict(zero_optimization=dict(stage='2')),
            "stage` is '2', must be 1 or 2",
        ),
        (
            dict(gradient_clipping=1.0),
            r'`strategy.config.gradient_clipping` must be left out: set '
            r'`optim_wrapper.clip_grad`',
        ),
        ('zero2.json', "`strategy.config` is 'zero2.json', must be a dict"),
        (dict(zero_optimization=2), 'zero_optimization` is 2, must be a dict'),
        (dict(bf16=dict(enabled=True)), 'bf16` must be left out: set `optim_wrapper.t'),
    ],
)
def test_settings_that_have_another_place_are_refused(config, message):
    with pytest.raises(UserValueError, match=message):
        DeepSpeedStrategy(config=config)


@pytest.mark.parametrize(
    ('optim_wrapper', 'message'),
    [
        (
            dict(clip_grad=dict(type='value', clip_value=1)),
            "has type 'value' and norm_type 2; DeepSpeed clips by type 'norm'",
        ),
        (dict(clip_grad=dict(max_norm=1, norm_type=1)), 'and norm_type 1'),
        (
            dict(type='AmpOptimWrapper', loss_scale=512.0),
            "`optim_wrapper.loss_scale` is 512.0; .* must be 'dynamic'",
        ),
        (
            dict(type='ApexOptimWrapper'),
            "is 'ApexOptimWrapper'; with DeepSpeedStrategy it must be 'OptimWrapper'",
        ),
    ],
)
def test_what_deepspeed_cannot_do_is_refused(optim_wrapper, message):
    with pytest.raises(UserValueError, match=message):
        DeepSpeedStrategy().build_optim_wrapper(optim_wrapper, None)
