import pickle
import random

import numpy as np
import torch

from mmvis.datasets.seeded_index import SeededIndex, seed_everything


def test_is_an_int_that_keeps_its_seed_between_processes():
    index = pickle.loads(pickle.dumps(SeededIndex(3, seed=(1, 2))))
    assert index == 3
    assert [10, 11, 12, 13][index] == 13
    assert index.seed == (1, 2)


def test_seeds_all_generators():
    def draw(*seed):
        seed_everything(seed)
        numpy = np.random.rand()  # noqa: NPY002 - the generator that MMCV uses
        return random.random(), numpy, torch.rand(()).item()

    assert draw(1, 2) == draw(1, 2)
    assert all(a != b for a, b in zip(draw(1, 2), draw(1, 3)))
    assert all(a != b for a, b in zip(draw(1, 2), draw(2, 1)))
