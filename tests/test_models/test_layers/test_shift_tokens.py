import pytest
import torch

from mmvis.models.layers import check_shift_strides, shift_tokens, strides_after

STRIDES = (1, -1, 2, -2)


def clip_of_frame_numbers(num_frames, num_tokens=4):
    """Every token holds the number of its frame, shape (1, T, M, 1)."""
    frames = torch.arange(num_frames).view(1, -1, 1, 1)
    return frames.expand(1, num_frames, num_tokens, 1)


def test_each_group_shifts_by_its_stride():
    shifted = shift_tokens(clip_of_frame_numbers(5), STRIDES)[0, ..., 0]
    assert shifted.T.tolist() == [
        [4, 0, 1, 2, 3],
        [1, 2, 3, 4, 0],
        [3, 4, 0, 1, 2],
        [2, 3, 4, 0, 1],
    ]


def test_groups_are_adjacent_tokens():
    shifted = shift_tokens(clip_of_frame_numbers(3, num_tokens=6), (1, 0))
    assert shifted[0, 0, :, 0].tolist() == [2, 2, 2, 0, 0, 0]


def test_one_frame_stays():
    tokens = torch.randn(2, 1, 8, 3)
    torch.testing.assert_close(shift_tokens(tokens, STRIDES), tokens, rtol=0, atol=0)


def test_reversed_signs_undo_it():
    tokens = torch.randn(2, 7, 8, 3)
    back = shift_tokens(shift_tokens(tokens, STRIDES), [-s for s in STRIDES])
    torch.testing.assert_close(back, tokens, rtol=0, atol=0)


def test_clips_do_not_mix():
    tokens = torch.randn(2, 3, 4, 5)
    each = torch.cat([shift_tokens(clip[None], STRIDES) for clip in tokens])
    torch.testing.assert_close(shift_tokens(tokens, STRIDES), each, rtol=0, atol=0)


@pytest.mark.parametrize('strides', [STRIDES, ()])
def test_unequal_groups_are_refused(strides):
    with pytest.raises(ValueError, match='got 6 messenger tokens and shift_strides='):
        check_shift_strides(strides, 6)


def test_every_second_layer_goes_back():
    assert [strides_after(i, 2, (1, -2)) for i in range(2)] == [[1, -2], [-1, 2]]
    odd = [strides_after(i, 3, (1, -2)) for i in range(3)]
    assert odd == [[1, -2], [-1, 2], [0, 0]]
