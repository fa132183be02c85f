import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmvis.engine.hooks import ReproducibleTrainingHook


def make_runner(seed, iteration=0, resume=False, batch_size=2):
    batch_sampler = SimpleNamespace(
        sampler=SimpleNamespace(seed=seed), batch_size=batch_size
    )
    loader = SimpleNamespace(batch_sampler=batch_sampler)
    loop = SimpleNamespace(dataloader=loader)
    return SimpleNamespace(train_loop=loop, iter=iteration, _resume=resume)


def draw(runner):
    ReproducibleTrainingHook().before_train_iter(runner, 0)
    numpy = np.random.rand()  # noqa: NPY002 - the generator that MMCV uses
    return random.random(), numpy, torch.rand(()).item()


def test_draws_follow_from_seed_and_iteration_alone():
    first = draw(make_runner(seed=3, iteration=7))
    torch.rand(5)
    random.random()
    assert draw(make_runner(seed=3, iteration=7)) == first
    for other in (make_runner(3, 8), make_runner(4, 7)):
        assert all(a != b for a, b in zip(draw(other), first))


def test_draws_differ_between_ranks(monkeypatch):
    first = draw(make_runner(seed=3))
    monkeypatch.setattr(
        'mmvis.engine.hooks.reproducible_training_hook.get_rank', lambda: 1
    )
    assert all(a != b for a, b in zip(draw(make_runner(seed=3)), first))


@pytest.mark.parametrize(('resume', 'seed'), [(True, 11), (False, 5)])
def test_data_seed_goes_through_the_checkpoint(resume, seed):
    hook, checkpoint = ReproducibleTrainingHook(), {}
    hook.before_save_checkpoint(make_runner(seed=11), checkpoint)
    runner = make_runner(seed=5, resume=resume)
    hook.after_load_checkpoint(runner, checkpoint)
    assert runner.train_loop.dataloader.batch_sampler.sampler.seed == seed


@pytest.mark.parametrize(('batch_size', 'num_warnings'), [(2, 0), (3, 1)])
def test_another_batch_size_is_logged_on_resume(monkeypatch, batch_size, num_warnings):
    lines = []
    monkeypatch.setattr(
        'mmvis.engine.hooks.reproducible_training_hook.print_log',
        lambda text, **_: lines.append(text),
    )
    hook, checkpoint = ReproducibleTrainingHook(), {}
    hook.before_save_checkpoint(make_runner(seed=11), checkpoint)
    runner = make_runner(seed=5, resume=True, batch_size=batch_size)
    hook.after_load_checkpoint(runner, checkpoint)
    assert len(lines) == num_warnings
    assert all('took 2 samples per iteration' in line for line in lines)
    assert all('it is 3' in line for line in lines)
