from types import SimpleNamespace

import pytest
import torch

from mmvis.engine.hooks import FiniteLossHook

RUNNER = SimpleNamespace(iter=41, work_dir='work')


def check(**losses):
    losses = {name: torch.tensor(value) for name, value in losses.items()}
    outputs = dict(losses, accuracy=torch.tensor(float('nan')))
    FiniteLossHook().after_train_iter(RUNNER, 0, None, outputs)


def test_finite_losses_pass():
    check(loss=3.0, loss_cls=1.0, loss_mask=2.0)


def test_names_iteration_and_terms():
    nan, inf = float('nan'), float('inf')
    losses = {'loss': nan, 'loss_cls': 1.0, 'loss_mask': nan, 'd0.loss_dice': -inf}
    with pytest.raises(
        FloatingPointError,
        match=r'stopped at iteration 42: loss_mask = nan, d0\.loss_dice = -inf\. Lower',
    ):
        check(**losses)


def test_names_the_sum_if_it_alone_overflows():
    with pytest.raises(FloatingPointError, match=r'iteration 42: loss = inf\.'):
        check(loss=float('inf'), loss_cls=3e38, loss_mask=3e38)
