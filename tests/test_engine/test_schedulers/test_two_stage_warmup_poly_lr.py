import pytest
import torch

from mmvis.engine.schedulers import TwoStageWarmupPolyLR


def make_optimizer(keys=(True, False)):
    groups = [
        dict(params=[torch.zeros(1, requires_grad=True)], lr=lr, pretrained=key)
        for lr, key in zip((0.2, 1.0), keys)
    ]
    return torch.optim.SGD(groups, lr=1.0)


def run(optimizer, scheduler, num_steps):
    rates = []
    for _ in range(num_steps):
        rates.append(tuple(group['lr'] for group in optimizer.param_groups))
        optimizer.step()
        scheduler.step()
    return rates


def test_new_weights_warm_up_first_then_pretrained_ones():
    optimizer = make_optimizer()
    scheduler = TwoStageWarmupPolyLR(optimizer, warmups=(4, 6), power=0.9, end=30)
    rates = run(optimizer, scheduler, 30)
    pretrained, new = ([step[i] for step in rates] for i in (0, 1))
    assert new[:5] == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert pretrained[:5] == [0] * 5
    assert pretrained[5:11] == pytest.approx([0.2 * i / 6 for i in range(1, 7)])
    assert new[17] == pytest.approx((1 - 13 / 26) ** 0.9)
    assert pretrained[20] == pytest.approx(0.2 * (1 - 10 / 20) ** 0.9)
    assert 0 < new[29] < 0.06


def test_a_resumed_training_goes_on_with_it():
    cfg = dict(warmups=(2, 3), end=20)
    optimizer = make_optimizer()
    rates = run(optimizer, TwoStageWarmupPolyLR(optimizer, **cfg), 20)
    optimizer = make_optimizer()
    scheduler = TwoStageWarmupPolyLR(optimizer, **cfg)
    run(optimizer, scheduler, 9)
    states = scheduler.state_dict(), optimizer.state_dict()
    optimizer = make_optimizer()
    scheduler = TwoStageWarmupPolyLR(optimizer, **cfg)
    scheduler.load_state_dict(states[0])
    optimizer.load_state_dict(states[1])
    assert run(optimizer, scheduler, 11) == rates[9:]


def test_warmups_longer_than_the_training():
    with pytest.raises(ValueError, match=r'take 1500 steps, but the training has 100'):
        TwoStageWarmupPolyLR(make_optimizer(), end=100)


def test_groups_that_do_not_say_what_they_are():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    with pytest.raises(ValueError, match="constructor='BlockDecayConstructor'"):
        TwoStageWarmupPolyLR(optimizer, end=10000)
