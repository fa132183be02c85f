"""A training in minutes, with durations that are given instead of measured."""

import pytest
import torch
from mmengine.hooks import IterTimerHook

from mmvis.registry import HOOKS


@HOOKS.register_module(force=True)
class ConstantTimerHook(IterTimerHook):
    """Writes durations where IterTimerHook does: 2 s in the two that count."""

    def _after_iter(self, runner, batch_idx, *args, mode='train', **kwargs):
        seconds = 50.0 if runner.iter < 10 else 2.0 if runner.iter < 12 else 3.0
        runner.message_hub.update_scalar(f'{mode}/time', seconds)
        runner.message_hub.update_scalar(f'{mode}/data_time', 0.0)


CONFIG = """
_base_ = '{base}'
max_iters = 40
train_cfg = dict(max_iters=max_iters, val_interval=max_iters, num_timed=12)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=5),
    dict(
        type='CosineAnnealingLR', by_epoch=False, begin={begin}, end=max_iters,
        eta_min_ratio=0.1,
    ),
]
default_hooks = dict(timer=dict(type='ConstantTimerHook'), checkpoint=dict(interval=6))
"""


@pytest.fixture
def train(call_tool, tiny_config, tiny_options, tmp_path):
    def run(name, *options, begin=12, resume_from=None):
        config = tmp_path / f'minutes{begin}.py'
        config.write_text(CONFIG.format(base=tiny_config, begin=begin))
        resume = [] if resume_from is None else ['--resume', resume_from]
        args = ['--work-dir', tmp_path / name, '--seed', 3, *resume]
        # The interval of tiny_options is for four iterations.
        kept = [o for o in tiny_options if not o.startswith('train_cfg')]
        call_tool('tools/train.py', config, *args, options=[*kept, *options])
        return tmp_path / name

    return run


def weights(path):
    return torch.load(path, weights_only=False)['state_dict']


def assert_equal(path_a, path_b):
    a, b = weights(path_a), weights(path_b)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_minutes_are_as_many_iterations(train):
    """15 iterations of 2 s are half a minute."""
    by_minutes = train('minutes', 'train_cfg.max_minutes=0.5')
    by_number = train(
        'number',
        'train_cfg.max_iters=15',
        'train_cfg.val_interval=15',
        'param_scheduler.1.end=15',
    )
    assert not (by_minutes / 'iter_16.pth').exists()
    assert_equal(by_minutes / 'iter_15.pth', by_number / 'iter_15.pth')


@pytest.mark.parametrize('begin', [0, 12])
@pytest.mark.parametrize('first', [6, 12])
def test_resumed_training_equals_uninterrupted_one(train, begin, first):
    minutes = 'train_cfg.max_minutes=0.5'
    whole = train('whole', minutes, begin=begin)
    resumed = train(
        'resumed', minutes, begin=begin, resume_from=whole / f'iter_{first}.pth'
    )
    assert_equal(whole / 'iter_15.pth', resumed / 'iter_15.pth')


def test_a_finished_training_continues_with_more_minutes(train):
    short = train('short', 'train_cfg.max_minutes=0.5')
    longer = train(
        'longer', 'train_cfg.max_minutes=0.6', resume_from=short / 'iter_15.pth'
    )
    assert [path.name for path in sorted(longer.glob('iter_*.pth'))] == ['iter_18.pth']


@pytest.mark.parametrize(
    ('option', 'message'),
    [('max_minutes=0', 'positive or None, got 0'), ('num_timed=10', 'more than 10')],
)
def test_numbers_that_are_too_small(train, capsys, option, message):
    with pytest.raises(SystemExit):
        train('wrong', f'train_cfg.{option}')
    assert message in capsys.readouterr().err
