import numpy as np
import pytest

from mmvis.datasets.video_split import split_videos


def _long_tailed_counts(num_videos=600, num_categories=20):
    """One or two categories a video, the first category 20 times the last."""
    rng = np.random.default_rng(0)
    share = 1 / np.arange(1, num_categories + 1)
    counts = np.zeros((num_videos, num_categories), dtype=np.int64)
    for row in counts:
        size = rng.integers(1, 3)
        chosen = rng.choice(num_categories, size, replace=False, p=share / share.sum())
        row[chosen] = rng.integers(1, 4, size)
    return counts


@pytest.mark.parametrize('val_fraction', [0.1, 0.25, 0.5])
def test_every_category_gets_its_share(val_fraction):
    counts = _long_tailed_counts()
    is_val = split_videos(counts, val_fraction)
    assert is_val.sum() == round(val_fraction * len(counts))
    share = counts[is_val].sum(axis=0) / counts.sum(axis=0)
    assert np.abs(share - val_fraction).max() < 0.08
    assert np.abs(share - val_fraction).mean() < 0.02


def test_split_depends_on_the_seed_alone():
    counts = _long_tailed_counts(100)
    first = split_videos(counts, 0.2, seed=3)
    assert np.array_equal(first, split_videos(counts, 0.2, seed=3))
    assert not np.array_equal(first, split_videos(counts, 0.2, seed=4))


def test_categories_of_two_videos_are_on_both_sides():
    counts = np.repeat(np.eye(5, dtype=np.int64), 2, axis=0)
    is_val = split_videos(counts, 0.5)
    assert counts[is_val].sum(axis=0).tolist() == [1] * 5


def test_videos_without_instances_fill_up():
    counts = np.zeros((10, 2), dtype=np.int64)
    counts[0] = 1
    assert split_videos(counts, 0.3).sum() == 3


@pytest.mark.parametrize(('val_fraction', 'num_val'), [(0.01, 1), (0.99, 2)])
def test_both_sides_have_a_video(val_fraction, num_val):
    assert split_videos(np.eye(3, dtype=np.int64), val_fraction).sum() == num_val


@pytest.mark.parametrize('val_fraction', [0.0, 1.0, -0.2, 15.0])
def test_fraction_out_of_range_is_refused(val_fraction):
    with pytest.raises(ValueError, match=f'between 0 and 1.*got {val_fraction}'):
        split_videos(np.eye(3, dtype=np.int64), val_fraction)


def test_one_video_cannot_be_split():
    with pytest.raises(ValueError, match='at least two videos, got 1'):
        split_videos(np.ones((1, 2), dtype=np.int64), 0.5)
