"""Position codes that are kept equal those of the padding masks."""

import pytest
import torch

from mmvis.models.layers import (
    grid_position,
    level_position,
    rotary_position,
    sine_position,
    sine_position_3d,
)
from mmvis.structures import ClipFeatures


def make_features(frame_sizes, T=3):
    """Two levels of stride 8 and 16 for frames in inputs of 64x80."""
    mask = torch.zeros(len(frame_sizes), T, 64, 80, dtype=torch.bool)
    for b, (h, w) in enumerate(frame_sizes):
        mask[b, :, h:] = True
        mask[b, :, :, w:] = True
    masks = tuple(mask[..., ::s, ::s] for s in (8, 16))
    maps = tuple(torch.zeros(len(mask), T, 12, *m.shape[-2:]) for m in masks)
    return ClipFeatures(maps, (8, 16), masks, frame_sizes=tuple(frame_sizes))


@pytest.mark.parametrize('position', [sine_position, sine_position_3d])
@pytest.mark.parametrize('sizes', [[(64, 80)], [(64, 80), (41, 66)]])
@pytest.mark.parametrize('level', [-1, -2])
def test_codes_are_those_of_the_padding_mask(position, sizes, level):
    features = make_features(sizes)
    expected = position(features.padding_masks[level], 12)
    for _ in range(2):
        codes = level_position(features, level, position, 12)
        assert torch.equal(codes, expected)
    unknown = features.replace(frame_sizes=None)
    assert torch.equal(level_position(unknown, level, position, 12), expected)


@pytest.fixture
def calls_of_sine(count_operators):
    return lambda function: count_operators(function)['aten::sin']


def test_codes_of_a_size_are_computed_once(calls_of_sine):
    grid_position.cache_clear()
    first, again = make_features([(64, 80)]), make_features([(64, 80)])
    other = make_features([(41, 80)])
    assert calls_of_sine(lambda: level_position(first, -1, sine_position, 12)) > 0
    assert calls_of_sine(lambda: level_position(again, -1, sine_position, 12)) == 0
    assert calls_of_sine(lambda: level_position(other, -1, sine_position, 12)) > 0
    assert calls_of_sine(lambda: level_position(again, -1, sine_position, 12, 20.0)) > 0


def test_rotations_of_a_size_are_computed_once(calls_of_sine):
    patches = torch.randn(1, 30, 8)
    rotary_position((5, 6), 8, patches)
    assert calls_of_sine(lambda: rotary_position((5, 6), 8, patches)) == 0
    half = rotary_position((5, 6), 8, patches.bfloat16())
    assert half[0].dtype is torch.bfloat16


def test_codes_of_inference_mode_can_be_trained_on():
    grid_position.cache_clear()
    features = make_features([(64, 80)])
    with torch.inference_mode():
        level_position(features, -1, sine_position, 12)
    weight = torch.ones((), requires_grad=True)
    (level_position(features, -1, sine_position, 12) * weight).sum().backward()
    assert weight.grad.isfinite()
