from itertools import islice

import pytest

from mmvis.datasets.samplers import SeededInfiniteSampler
from mmvis.datasets.samplers import seeded_infinite_sampler as module

DATASET = ['a', 'b', 'c', 'd', 'e']


def take(sampler, num):
    return [(int(index), index.seed) for index in islice(sampler, num)]


def test_every_pass_is_another_permutation():
    indices = [index for index, _ in take(SeededInfiniteSampler(DATASET, seed=0), 15)]
    passes = [indices[:5], indices[5:10], indices[10:]]
    assert all(sorted(one) == [0, 1, 2, 3, 4] for one in passes)
    assert passes[0] != passes[1] != passes[2]


def test_order_without_shuffling():
    sampler = SeededInfiniteSampler(DATASET, shuffle=False, seed=0)
    assert [i for i, _ in take(sampler, 7)] == [0, 1, 2, 3, 4, 0, 1]


def test_sample_seeds_are_of_seed_and_position():
    seeds = [seed for _, seed in take(SeededInfiniteSampler(DATASET, seed=9), 7)]
    assert seeds == [(9, position) for position in range(7)]


@pytest.mark.parametrize('num_skipped', [0, 3, 5, 12])
def test_skipping_continues_the_stream(num_skipped):
    whole = take(SeededInfiniteSampler(DATASET, seed=4), 20)
    sampler = SeededInfiniteSampler(DATASET, seed=4)
    sampler.skip(num_skipped)
    assert take(sampler, 20 - num_skipped) == whole[num_skipped:]


def test_ranks_share_one_stream(monkeypatch):
    whole = take(SeededInfiniteSampler(DATASET, seed=4), 24)
    for rank in range(3):
        monkeypatch.setattr(module, 'get_dist_info', lambda rank=rank: (rank, 3))
        sampler = SeededInfiniteSampler(DATASET, seed=4)
        assert take(sampler, 8) == whole[rank::3]
        sampler.skip(2)
        assert take(sampler, 6) == whole[rank::3][2:]


def test_seed_is_drawn_if_none_is_given():
    seeds = {SeededInfiniteSampler(DATASET).seed for _ in range(3)}
    assert len(seeds) > 1


class Videos(list):
    """A data set that is the lengths of its videos."""

    def get_data_info(self, index):
        return dict(video_len=self[index])


def test_a_pass_per_frame_holds_a_video_once_for_each_frame():
    sampler = SeededInfiniteSampler(Videos([3, 1, 2]), seed=0, per_frame=True)
    assert len(sampler) == 6
    indices = [index for index, _ in take(sampler, 12)]
    assert sorted(indices[:6]) == sorted(indices[6:]) == [0, 0, 0, 1, 2, 2]
    assert indices[:6] != indices[6:]
