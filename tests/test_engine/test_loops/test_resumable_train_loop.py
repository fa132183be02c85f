from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import DefaultSampler
from torch.utils.data import DataLoader, Dataset

from mmvis.datasets.samplers import SeededInfiniteSampler
from mmvis.engine.loops import ResumableTrainLoop


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
