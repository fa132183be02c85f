import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import (
    CosineAnnealingLR,
    LinearLR,
    LinearMomentum,
    MultiStepLR,
    OneCycleLR,
    OptimWrapper,
    PolyLR,
    ReduceOnPlateauLR,
    StepLR,
)

from mmvis.engine.hooks import ConfigResumeHook

EPOCH_LEN = 3


def make_runner(schedules, lr=0.1, weight_decay=1e-2, resume=True):
    """Runner with an optimizer of four groups, three of them with equal settings."""
    torch.manual_seed(0)
    parts = [torch.nn.Parameter(torch.ones(2) * i) for i in range(4)]
    groups = [dict(params=[part]) for part in parts]
    groups[1]['lr'] = lr / 10
    optimizer = torch.optim.AdamW(groups, lr=lr, weight_decay=weight_decay)
    wrapper = OptimWrapper(optimizer)
    return SimpleNamespace(
        parts=parts,
        optim_wrapper=wrapper,
        param_schedulers=[schedule(wrapper) for schedule in schedules],
        train_dataloader=range(EPOCH_LEN),
        _resume=resume,
    )


def train(runner, first, last):
    """Do the iterations of MMEngine's loop and its ParamSchedulerHook."""
    rates = []
    for iteration in range(first, last):
        rates.append([group['lr'] for group in runner.optim_wrapper.param_groups])
        terms = [(p * (iteration + i)).sum() for i, p in enumerate(runner.parts)]
        runner.optim_wrapper.update_params(sum(terms))
        for scheduler in runner.param_schedulers:
            if not scheduler.by_epoch or (iteration + 1) % EPOCH_LEN == 0:
                scheduler.step()
    return rates


def save(runner, iteration):
    return copy.deepcopy(
        dict(
            meta=dict(iter=iteration, epoch=iteration // EPOCH_LEN),
            optimizer=runner.optim_wrapper.state_dict(),
            param_schedulers=[s.state_dict() for s in runner.param_schedulers],
        )
    )


def resume(runner, checkpoint):
    """Load the states as MMEngine's Runner does."""
    ConfigResumeHook().after_load_checkpoint(runner, checkpoint)
    runner.optim_wrapper.load_state_dict(checkpoint['optimizer'])
    for scheduler, state in zip(
        runner.param_schedulers, checkpoint['param_schedulers'], strict=True
    ):
        scheduler.load_state_dict(state)


def warmup(optimizer):
    return LinearLR(optimizer, start_factor=0.01, by_epoch=False, end=3)


def steps(*milestones, by_epoch=False):
    return lambda optimizer: MultiStepLR(
        optimizer, milestones=list(milestones), by_epoch=by_epoch
    )


SCHEDULES = {
    'none': [],
    'steps': [steps(2, 5)],
    'warmup and steps': [warmup, steps(4, 6)],
    'epochs': [warmup, lambda o: StepLR(o, step_size=1, gamma=0.5)],
    'cosine': [
        warmup,
        lambda o: CosineAnnealingLR(o, T_max=8, eta_min_ratio=0.1, by_epoch=False),
    ],
    'poly': [lambda o: PolyLR(o, power=0.9, begin=1, end=9, by_epoch=False)],
    'momentum': [
        steps(3),
        lambda o: LinearMomentum(o, start_factor=0.5, by_epoch=False, end=6),
    ],
    'one cycle': [lambda o: OneCycleLR(o, eta_max=0.5, total_steps=12, by_epoch=False)],
}


@pytest.mark.parametrize('name', SCHEDULES)
@pytest.mark.parametrize('stop', [1, 3, 5])
def test_same_config_resumes_exactly(name, stop):
    schedules = SCHEDULES[name]
    whole = make_runner(schedules)
    rates = train(whole, 0, 10)
    first = make_runner(schedules)
    train(first, 0, stop)
    second = make_runner(schedules)
    with torch.no_grad():
        for part, value in zip(second.parts, first.parts):
            part.copy_(value)
    resume(second, save(first, stop))
    assert train(second, stop, 10) == rates[stop:]
    for part, expected in zip(second.parts, whole.parts):
        assert torch.equal(part, expected)


@pytest.mark.parametrize('stop', [1, 4])
@pytest.mark.parametrize('name', SCHEDULES)
def test_changed_schedule_is_that_of_the_config(name, stop):
    expected = train(make_runner(SCHEDULES[name], lr=0.3), 0, 10)
    first = make_runner([warmup, steps(1)])
    train(first, 0, stop)
    second = make_runner(SCHEDULES[name], lr=0.3)
    resume(second, save(first, stop))
    assert train(second, stop, 10) == expected[stop:]


def test_settings_of_the_optimizer_are_those_of_the_config(monkeypatch):
    lines = []
    monkeypatch.setattr(
        'mmvis.engine.hooks.config_resume_hook.print_log',
        lambda text, **_: lines.append(text),
    )
    first = make_runner([steps(2)])
    train(first, 0, 3)
    second = make_runner([steps(1)], weight_decay=0.5)
    resume(second, save(first, 3))
    groups = second.optim_wrapper.optimizer.param_groups
    assert [group['weight_decay'] for group in groups] == [0.5] * 4
    moments = [
        state['exp_avg'] for state in second.optim_wrapper.optimizer.state.values()
    ]
    expected = [
        state['exp_avg'] for state in first.optim_wrapper.optimizer.state.values()
    ]
    assert all(torch.equal(*pair) for pair in zip(moments, expected, strict=True))
    assert lines == [
        'The resumed training follows the config; other than in the checkpoint is: '
        'weight_decay 0.01 -> 0.5'
    ]


def test_only_a_resumed_training_is_changed():
    first = make_runner([steps(2)])
    train(first, 0, 3)
    checkpoint = save(first, 3)
    unchanged = copy.deepcopy(checkpoint)
    runner = make_runner([steps(1)], resume=False)
    ConfigResumeHook().after_load_checkpoint(runner, checkpoint)
    assert str(checkpoint) == str(unchanged)


def test_schedule_that_follows_the_validation_stays_and_is_logged(monkeypatch):
    lines = []
    monkeypatch.setattr(
        'mmvis.engine.hooks.config_resume_hook.print_log',
        lambda text, **_: lines.append(text),
    )
    runner = make_runner([lambda o: ReduceOnPlateauLR(o, monitor='AP')])
    checkpoint = save(runner, 0)
    unchanged = copy.deepcopy(checkpoint)
    ConfigResumeHook().after_load_checkpoint(runner, checkpoint)
    assert str(checkpoint) == str(unchanged)
    assert (
        'changes of `optim_wrapper` and `param_scheduler` are not followed' in lines[0]
    )


def test_long_training_resumes_quickly():
    """Groups with equal settings are stepped once, not each of a thousand."""
    parameters = [torch.nn.Parameter(torch.zeros(1)) for _ in range(1000)]
    optimizer = torch.optim.AdamW([dict(params=[p]) for p in parameters], lr=0.1)
    runner = make_runner([])
    runner.optim_wrapper = OptimWrapper(optimizer)
    schedule = MultiStepLR(runner.optim_wrapper, milestones=[900], by_epoch=False)
    counted = []
    get_value = schedule._get_value
    schedule._get_value = lambda: counted.append(len(get_value())) or get_value()
    runner.param_schedulers = [schedule]
    checkpoint = save(make_runner([]), 1000)
    checkpoint['optimizer'] = runner.optim_wrapper.state_dict()
    ConfigResumeHook().after_load_checkpoint(runner, checkpoint)
    assert set(counted) == {1}
    rates = {group['lr'] for group in checkpoint['optimizer']['param_groups']}
    assert rates == {0.1 * 0.1}
