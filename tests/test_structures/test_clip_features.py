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
