import numpy as np
import pytest

from mmvis.datasets.shapes_vis.random_stream import RandomStream
from mmvis.datasets.shapes_vis.textures import (
    PATTERNS,
    make_tile,
    mix,
    pattern,
    sample,
    value_noise,
)


@pytest.fixture
def colours():
    return RandomStream(5).octets(64, 64, 3).astype(np.int64)


def test_sampling_at_texels_returns_them(colours):
    v, u = np.meshgrid(np.arange(64.0), np.arange(64.0), indexing='ij')
    assert np.array_equal(sample(make_tile(colours), u, v), colours)


def test_sampling_between_texels_interpolates_and_wraps(colours):
    tile = make_tile(colours)
    u, v = np.array([[63.25]]), np.array([[-0.5]])
    rows = (colours[63] + colours[0]) / 2
    expected = np.floor(0.75 * rows[63] + 0.25 * rows[0] + 0.5)
    assert sample(tile, u, v)[0, 0].tolist() == expected.tolist()


def test_colours_out_of_range_are_clipped():
    tile = make_tile(np.full((64, 64, 3), [-20, 300, 7]))
    zero = np.zeros((1, 1))
    assert sample(tile, zero, zero)[0, 0].tolist() == [0, 255, 7]


def test_value_noise_is_seamless_and_smooth():
    noise = value_noise(RandomStream(2), 64, 4)
    around = np.concatenate([noise, noise[:1]])
    assert np.abs(np.diff(around, axis=0)).max() < 30
    assert noise.min() >= 0
    assert noise.max() <= 255


@pytest.mark.parametrize('kind', PATTERNS)
def test_patterns_use_both_colours(kind):
    share = pattern(RandomStream(3), 64, kind)
    assert share.min() < 64
    assert share.max() > 192


def test_mix_goes_from_the_first_to_the_second_colour():
    mixed = mix(np.array([[0, 51, 255]]), (10, 20, 30), (110, 20, 0))
    assert mixed.tolist() == [[[10, 20, 30], [30, 20, 24], [110, 20, 0]]]
