"""The stand-in for mmcv._ext: mmcv's own layers work on it."""

import pytest
import torch
from mmcv.cnn import build_conv_layer
from mmcv.ops import RoIAlign, nms
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmdet.structures.mask import BitmapMasks

from mmvis.ops import (
    deform_conv2d,
    has_compiled_ops,
    modulated_deform_conv2d,
    roi_align,
)

ROIS = torch.tensor([[0, 2.0, 3.0, 11.0, 9.5], [1, -2.0, 4.0, 17.0, 9.0]])


def gradients(outputs, *leaves):
    """Gradients of a sum that weighs every output differently."""
    weights = torch.arange(1.0, outputs.numel() + 1).view_as(outputs)
    return torch.autograd.grad((outputs * weights).mean(), leaves)


def assert_all_close(found, expected):
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize('mode', ['avg', 'max'])
def test_roi_align_layer_and_its_gradient(mode):
    inputs = torch.randn(2, 3, 7, 9, requires_grad=True)
    layer = RoIAlign((2, 3), 0.5, sampling_ratio=0, pool_mode=mode)
    pooled = layer(inputs, ROIS)
    expected = roi_align(inputs, ROIS, (2, 3), 0.5, 0, mode)
    torch.testing.assert_close(pooled, expected)
    assert_all_close(gradients(pooled, inputs), gradients(expected, inputs))


def test_single_roi_extractor_takes_the_level_by_size():
    extractor = SingleRoIExtractor(
        roi_layer=dict(type='RoIAlign', output_size=2, sampling_ratio=2),
        out_channels=3,
        featmap_strides=[4, 8],
        finest_scale=56,
    )
    levels = [torch.randn(1, 3, 64, 64), torch.randn(1, 3, 32, 32)]
    rois = torch.tensor([[0, 10.0, 20.0, 50.0, 70.0], [0, 5.0, 5.0, 205.0, 185.0]])
    pooled = extractor(levels, rois)
    assert torch.equal(pooled[:1], roi_align(levels[0], rois[:1], 2, 1 / 4, 2))
    assert torch.equal(pooled[1:], roi_align(levels[1], rois[1:], 2, 1 / 8, 2))


def test_mask_targets_are_cropped():
    """A full mask cropped by half a box beyond its edge is half full."""
    masks = BitmapMasks([torch.ones(8, 8).byte().numpy()], 8, 8)
    boxes = torch.tensor([[-8.0, 0.0, 8.0, 8.0]]).numpy()
    cropped = masks.crop_and_resize(boxes, (4, 4), torch.zeros(1).long().numpy())
    assert cropped.masks[0].tolist() == [[0, 0, 1, 1]] * 4


def test_dcn_layer_has_mmcvs_parameters_and_gradient():
    layer = build_conv_layer(
        dict(type='DCN', deform_groups=2), 4, 6, 3, padding=1, bias=False
    )
    shapes = {name: tuple(p.shape) for name, p in layer.named_parameters()}
    assert shapes == {
        'weight': (6, 4, 3, 3),
        'conv_offset.weight': (36, 4, 3, 3),
        'conv_offset.bias': (36,),
    }
    torch.nn.init.normal_(layer.conv_offset.weight)
    inputs = torch.randn(2, 4, 5, 6, requires_grad=True)
    expected = deform_conv2d(
        inputs, layer.conv_offset(inputs), layer.weight, padding=1, deform_groups=2
    )
    leaves = (inputs, *layer.parameters())
    out = layer(inputs)
    torch.testing.assert_close(out, expected)
    assert_all_close(gradients(out, *leaves), gradients(expected, *leaves))


def test_dcnv2_layer_has_mmcvs_parameters_and_gradient():
    layer = build_conv_layer(dict(type='DCNv2'), 4, 6, 3, stride=2, padding=1)
    shapes = {name: tuple(p.shape) for name, p in layer.named_parameters()}
    assert shapes == {
        'weight': (6, 4, 3, 3),
        'bias': (6,),
        'conv_offset.weight': (27, 4, 3, 3),
        'conv_offset.bias': (27,),
    }
    torch.nn.init.normal_(layer.conv_offset.weight)
    inputs = torch.randn(2, 4, 5, 6, requires_grad=True)
    offset_y, offset_x, mask = layer.conv_offset(inputs).chunk(3, dim=1)
    expected = modulated_deform_conv2d(
        inputs,
        torch.cat((offset_y, offset_x), dim=1),
        mask.sigmoid(),
        layer.weight,
        layer.bias,
        stride=2,
        padding=1,
    )
    leaves = (inputs, *layer.parameters())
    out = layer(inputs)
    torch.testing.assert_close(out, expected)
    assert_all_close(gradients(out, *leaves), gradients(expected, *leaves))


@pytest.mark.skipif(has_compiled_ops(), reason='mmcv has compiled operators')
def test_missing_operator_is_named_with_advice():
    boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
    with pytest.raises(RuntimeError, match=r'"nms" is not installed.*pip install'):
        nms(boxes, torch.ones(1), 0.5)
