from itertools import islice

import pytest

from mmvis.datasets.samplers import (
    SeededAspectRatioBatchSampler,
    SeededInfiniteSampler,
)


class Videos:
    widths = [30, 10, 30, 10, 30, 30, 10]

    def __len__(self):
        return len(self.widths)

    def get_data_info(self, idx):
        return dict(width=self.widths[idx], height=20)


def make():
    sampler = SeededInfiniteSampler(Videos(), seed=1)
    return SeededAspectRatioBatchSampler(sampler, batch_size=2)


def take(batches, num):
    return [[(int(i), i.seed) for i in batch] for batch in islice(batches, num)]


def test_batches_hold_one_orientation():
    for batch in take(make(), 12):
        assert len({Videos.widths[index] for index, _ in batch}) == 1


@pytest.mark.parametrize('num_skipped', [0, 1, 5])
def test_skipping_continues_the_batches(num_skipped):
    whole = take(make(), 12)
    batches = make()
    take(batches, 3)  # as a loader does that reads ahead before it is resumed
    batches.skip(num_skipped)
    assert take(batches, 12 - num_skipped) == whole[num_skipped:]
