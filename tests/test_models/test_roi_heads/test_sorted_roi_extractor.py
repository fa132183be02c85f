import pytest
import torch
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor

from mmvis.models.roi_heads import SortedRoIExtractor

OPTIONS = dict(
    roi_layer=dict(type='RoIAlign', output_size=3, sampling_ratio=2),
    out_channels=5,
    featmap_strides=[4, 8, 16],
    finest_scale=16,
)


def make_inputs(num_rois=23, largest=120.0):
    torch.manual_seed(0)
    feats = [
        torch.randn(2, 5, 96 // s, 160 // s, requires_grad=True) for s in (4, 8, 16)
    ]
    corners = torch.rand(num_rois, 2) * 60
    sizes = 2 + torch.rand(num_rois, 2) * largest
    sizes[5::7, 0] *= -1  # turned inside out: no scale
    images = torch.randint(2, (num_rois, 1)).float()
    return feats, torch.cat([images, corners, corners + sizes], dim=1)


@pytest.mark.parametrize('scale', [None, 1.3])
@pytest.mark.parametrize(
    ('num_rois', 'largest'), [(23, 120.0), (23, 8.0), (1, 120.0), (0, 120.0)]
)
def test_features_and_gradients_are_mmdetections(num_rois, largest, scale):
    found = []
    for kind in (SingleRoIExtractor, SortedRoIExtractor):
        feats, rois = make_inputs(num_rois, largest)
        out = kind(**OPTIONS)(feats, rois, scale)
        (out**2).sum().backward()
        found.append((out, *(x.grad for x in feats)))
    for value, expected in zip(*reversed(found), strict=True):
        assert torch.equal(value, expected)
    assert found[1][0].shape == (num_rois, 5, 3, 3)


def test_boxes_are_on_all_levels():
    feats, rois = make_inputs()
    extractor = SortedRoIExtractor(**OPTIONS)
    levels = extractor.map_roi_levels(rois, len(feats))
    assert levels.clamp(min=-1).unique().tolist() == [-1, 0, 1, 2]
    features = extractor(feats, rois)
    assert not features[5::7].any()
    assert features[:5].flatten(1).any(dim=1).all()
    assert not torch.equal(levels, levels.sort().values)
