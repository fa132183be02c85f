import pytest
import torch

from mmvis.models.necks import SimpleFeaturePyramid
from mmvis.structures import ClipFeatures


def make_features(rows=3, columns=5, padded=2):
    padding_mask = torch.zeros(2, 3, rows, columns, dtype=torch.bool)
    padding_mask[..., columns - padded :] = True
    tokens = torch.randn(2, 3, 5, 8)
    maps = (torch.randn(2, 3, 8, rows, columns),)
    return ClipFeatures(maps, (16,), (padding_mask,), tokens=tokens)


def test_levels_strides_and_padding():
    features = SimpleFeaturePyramid([8], out_channels=6)(make_features())
    assert features.feat_strides == (4, 8, 16, 32)
    sizes = [(12, 20), (6, 10), (3, 5), (2, 3)]
    for level, mask, size in zip(features.maps, features.padding_masks, sizes):
        assert level.shape == (2, 3, 6, *size)
        assert mask.shape == (2, 3, *size)
    first_padded = [
        int(mask[0, 0, 0].int().argmax()) for mask in features.padding_masks
    ]
    assert first_padded == [12, 6, 3, 2]
    assert features.tokens is None


@torch.no_grad()
def test_no_frame_sees_another():
    neck, features = SimpleFeaturePyramid([8], out_channels=6), make_features()
    whole, alone = neck(features), neck(features.select_frames(1, 2))
    for level, expected in zip(alone.maps, whole.maps):
        torch.testing.assert_close(level[:, 0], expected[:, 1])


def test_gradients_reach_all_weights():
    neck = SimpleFeaturePyramid([8], out_channels=6)
    sum(level.square().sum() for level in neck(make_features()).maps).backward()
    for name, p in neck.named_parameters():
        assert p.grad is not None, name


def test_levels_are_refused():
    with pytest.raises(ValueError, match=r'in_channels=\[8, 16\] names 2'):
        SimpleFeaturePyramid([8, 16])
