import pytest
import torch

from mmvis.structures import ClipFeatures


def make(tokens=True):
    maps = (torch.arange(2 * 4 * 3.0).view(2, 4, 3, 1, 1),)
    masks = (torch.zeros(2, 4, 1, 1, dtype=torch.bool),)
    tok = torch.arange(2 * 4 * 2.0).view(2, 4, 1, 2) if tokens else None
    return ClipFeatures(maps, (8,), masks, tokens=tok)


def test_select_frames_gives_views():
    features = make()
    part = features.select_frames(1, 3)
    assert part.num_frames == 2
    assert part.maps[0].data_ptr() == features.maps[0][:, 1].data_ptr()
    assert torch.equal(part.tokens, features.tokens[:, 1:3])


def test_cat_undoes_select():
    for features in (make(), make(tokens=False)):
        parts = [features.select_frames(a, b) for a, b in ((0, 1), (1, 3), (3, 4))]
        joined = ClipFeatures.cat(parts)
        assert torch.equal(joined.maps[0], features.maps[0])
        assert torch.equal(joined.padding_masks[0], features.padding_masks[0])
        assert joined.feat_strides == (8,)
        if features.tokens is None:
            assert joined.tokens is None
        else:
            assert torch.equal(joined.tokens, features.tokens)


def test_cat_of_one_copies_nothing():
    features = make()
    assert ClipFeatures.cat([features]) is features


@pytest.mark.parametrize(
    ('sizes', 'is_padded'),
    [
        (((40, 90), (40, 90)), [False, False]),
        (((40, 90), (33, 89)), [False, False]),  # less than a cell of the finer level
        (((40, 90), (40, 70)), [True, False]),
        (((32, 90), (40, 90)), [True, True]),
    ],
)
def test_padding_is_found_by_sizes_as_by_masks(sizes, is_padded):
    """As a model makes them: a level's mask has every stride-th pixel."""
    mask = torch.zeros(2, 3, 40, 90, dtype=torch.bool)
    for b, (h, w) in enumerate(sizes):
        mask[b, :, h:] = True
        mask[b, :, :, w:] = True
    masks = (mask[..., ::8, ::8], mask[..., ::32, ::32])
    maps = tuple(m[:, :, None].float() for m in masks)
    by_masks = ClipFeatures(maps, (8, 32), masks)
    by_sizes = by_masks.replace(frame_sizes=sizes)
    for features in (by_masks, by_sizes):
        for level, expected in enumerate(is_padded):
            found = features.find_padding(level)
            assert (found is masks[level]) if expected else (found is None)


def test_repeat_frames_takes_them_in_turn():
    features = make().repeat_frames(6)
    assert features.num_frames == 6
    assert features.num_repeats == 2
    frames = [0, 1, 2, 3, 0, 1]
    assert torch.equal(features.maps[0], make().maps[0][:, frames])
    assert torch.equal(features.tokens, make().tokens[:, frames])
    assert features.padding_masks[0].shape[1] == 6


def test_repeat_frames_copies_nothing_where_there_are_enough():
    features = make()
    assert features.repeat_frames(4) is features
