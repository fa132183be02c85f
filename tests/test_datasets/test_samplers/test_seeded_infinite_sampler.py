import random
from collections import Counter
from itertools import islice

import pytest

from mmvis.datasets.samplers import SeededInfiniteSampler
from mmvis.datasets.samplers import seeded_infinite_sampler as module
from mmvis.datasets.transforms import SampleKeyFrameClip

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
        assert len(sampler) == 2  # of 5, the last pass filled up


def test_seed_is_drawn_if_none_is_given():
    seeds = {SeededInfiniteSampler(DATASET).seed for _ in range(3)}
    assert len(seeds) > 1


class Videos(list):
    """A data set of one letter for each frame of a video: A and B show instances."""

    def get_data_info(self, index):
        frames = self[index]
        instances = [
            dict(
                segmentations=[letter if letter == name else None for letter in frames]
            )
            for name in 'AB'
        ]
        return dict(video_len=len(frames), instances=instances)


VIDEOS = Videos(['-A-', 'B', '-AAB--', '---'])


@pytest.mark.parametrize(
    ('once_per', 'expected'),
    [
        ('video', [0, 1, 2, 3]),
        ('frame', [0] * 3 + [1] + [2] * 6 + [3] * 3),
        ('annotated_frame', [0, 1, 2, 2, 2]),
    ],
)
def test_a_pass_holds_a_video_once_per(once_per, expected):
    sampler = SeededInfiniteSampler(VIDEOS, seed=0, once_per=once_per)
    num = len(expected)
    assert len(sampler) == num
    indices = [index for index, _ in take(sampler, 2 * num)]
    assert sorted(indices[:num]) == sorted(indices[num:]) == expected
    assert indices[:num] != indices[num:]


def test_annotated_frames_are_key_frames_equally_often():
    """As if the data set were indexed by them."""
    random.seed(0)
    sampler = SeededInfiniteSampler(VIDEOS, seed=0, once_per='annotated_frame')
    clip = SampleKeyFrameClip(clip_len=2)
    indices = [int(index) for index in islice(sampler, 5000)]
    keys = Counter((i, clip.sample(VIDEOS.get_data_info(i))[0]) for i in indices)
    assert set(keys) == {(0, 1), (1, 0), (2, 1), (2, 2), (2, 3)}
    assert min(keys.values()) > 900
    assert max(keys.values()) < 1100


def test_passes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="'annotated_frame', got 'clip'"):
        SeededInfiniteSampler(VIDEOS, once_per='clip')
    with pytest.raises(ValueError, match='1 videos has nothing for a pass'):
        SeededInfiniteSampler(Videos(['--']), once_per='annotated_frame')
