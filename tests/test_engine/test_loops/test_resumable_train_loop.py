from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch.utils.data import DataLoader, Dataset

from mmvis.datasets.samplers import SeededInfiniteSampler
from mmvis.engine.loops import EpochBasedTrainLoop, ResumableTrainLoop, is_endless


class Numbers(Dataset):
    metainfo = {}

    def __init__(self):
        self.loaded = []

    def __len__(self):
        return 5

    def __getitem__(self, idx):
        self.loaded.append(int(idx))
        return torch.tensor(int(idx))


def train(sampler_type, first_iter, max_iters=6, val_interval=4):
    """Run the loop; give loaded indices, trained batches and validated iterations."""
    dataset = Numbers()
    sampler = sampler_type(dataset, seed=2)
    batches, validated = [], []
    runner = SimpleNamespace(
        model=torch.nn.Identity(),
        visualizer=SimpleNamespace(),
        call_hook=lambda *_, **__: None,
        val_loop=SimpleNamespace(run=lambda: validated.append(loop.iter)),
        optim_wrapper=None,
    )
    runner.model.train_step = lambda batch, optim_wrapper: batches.append(
        batch.tolist()
    )
    loader = DataLoader(dataset, batch_size=2, sampler=sampler)
    loop = ResumableTrainLoop(runner, loader, max_iters, val_interval=val_interval)
    loop._iter = first_iter
    loop.run()
    return dataset.loaded, batches, validated


def test_resumes_at_the_next_batch_without_loading_earlier_ones():
    loaded, batches, validated = train(SeededInfiniteSampler, first_iter=0)
    assert len(batches) == 6
    assert validated == [4, 6]
    loaded_later, later, validated_later = train(SeededInfiniteSampler, first_iter=4)
    assert later == batches[4:]
    assert loaded_later == loaded[8:]
    assert validated_later == [6]


def test_resume_needs_a_sampler_that_skips():
    with pytest.raises(TypeError, match='got DefaultSampler in BatchSampler'):
        train(DefaultSampler, first_iter=1)


def train_epochs(sampler_type, first_iter=0, max_epochs=3):
    """Run the loop; give loaded indices and trained batches, one list an epoch."""
    dataset = Numbers()
    epochs, calls = [], []
    runner = SimpleNamespace(
        model=torch.nn.Identity(),
        visualizer=SimpleNamespace(),
        call_hook=lambda name, **_: calls.append(name),
        val_loop=SimpleNamespace(run=lambda: calls.append('validate')),
        optim_wrapper=None,
    )

    def note(batch, optim_wrapper):
        epochs.append((loop.epoch, batch.tolist()))

    runner.model.train_step = note
    loader = DataLoader(dataset, batch_size=2, sampler=sampler_type(dataset, seed=2))
    loop = EpochBasedTrainLoop(runner, loader, max_epochs)
    loop._iter, loop._epoch = first_iter, first_iter // 3
    loop.run()
    assert loop.iter == loop.max_iters == 3 * max_epochs
    assert calls.count('validate') == max_epochs - first_iter // 3
    assert calls.count('after_train_epoch') == max_epochs - first_iter // 3
    batches = [[b for e, b in epochs if e == epoch] for epoch in range(max_epochs)]
    return dataset.loaded, batches


@pytest.mark.parametrize('sampler_type', [SeededInfiniteSampler, InfiniteSampler])
def test_epochs_end_and_continue_an_endless_sampler(sampler_type):
    loaded, batches = train_epochs(sampler_type)
    assert [len(epoch) for epoch in batches] == [3, 3, 3]
    # Five samples a pass: the sixth of an epoch is the first of the next pass.
    assert sorted(loaded[:5]) == sorted(loaded[5:10]) == [0, 1, 2, 3, 4]
    assert loaded == [i for epoch in batches for batch in epoch for i in batch]


def test_epochs_of_a_sampler_with_an_end():
    loaded, batches = train_epochs(DefaultSampler)
    assert [[len(batch) for batch in epoch] for epoch in batches] == [[2, 2, 1]] * 3
    assert all(sorted(loaded[i : i + 5]) == [0, 1, 2, 3, 4] for i in (0, 5, 10))


@pytest.mark.parametrize('first_iter', [3, 4, 8])
@pytest.mark.parametrize('sampler_type', [SeededInfiniteSampler, DefaultSampler])
def test_epochs_resume_at_the_next_batch(sampler_type, first_iter):
    loaded, batches = train_epochs(sampler_type)
    loaded_later, later = train_epochs(sampler_type, first_iter)
    flat = [batch for epoch in batches for batch in epoch]
    assert [batch for epoch in later for batch in epoch] == flat[first_iter:]
    if sampler_type is SeededInfiniteSampler:
        assert loaded_later == loaded[2 * first_iter :]


def test_which_loaders_are_endless():
    dataset = Numbers()
    for sampler_type, expected in (
        (InfiniteSampler, True),
        (SeededInfiniteSampler, True),
        (DefaultSampler, False),
    ):
        loader = DataLoader(dataset, sampler=sampler_type(dataset, seed=0))
        assert is_endless(loader) == expected
    assert not is_endless(DataLoader(dataset))
