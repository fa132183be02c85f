import copy
import io
import platform

import pytest
import torch
from mmcv.cnn.utils.fuse_conv_bn import fuse_conv_bn
from mmdet.models import ResNet
from torch import nn

from mmvis.models.layers import FusedBlock, PointwiseConv2d, use_blocked_layout

on_x86 = pytest.mark.skipif(
    platform.machine().lower() not in ('x86_64', 'amd64')
    or not torch.backends.mkldnn.is_available(),
    reason='of oneDNN on x86 CPUs',
)
FRAMES = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def networks():
    """Make a network whose norms are folded, and the same with fused blocks."""

    def make(**changes):
        torch.manual_seed(0)
        network = ResNet(**dict(depth=50, base_channels=16, stem_channels=16) | changes)
        network.eval()
        for norm in network.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.running_mean.normal_()
                norm.running_var.uniform_(0.5, 2)
        PointwiseConv2d.convert(network)
        use_blocked_layout(network)
        fuse_conv_bn(network)
        fused = copy.deepcopy(network)
        FusedBlock.convert(fused)
        return network, fused

    return make


CONVOLUTION = 'mkldnn::_convolution_pointwise'


def assert_same(maps, others):
    for a, b in zip(maps, others, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@on_x86
@torch.no_grad()
@pytest.mark.parametrize(
    ('changes', 'num_convs'),
    [
        ({}, 52),
        (dict(depth=18), 19),
        (dict(style='caffe', dilations=(1, 1, 1, 2), strides=(1, 2, 2, 1)), 52),
    ],
)
def test_maps_differ_by_rounding(networks, count_operators, changes, num_convs):
    network, fused = networks(**changes)
    expected = network(FRAMES)
    assert_same(fused(FRAMES), expected)
    assert count_operators(fused, FRAMES)[CONVOLUTION] == num_convs
    names = [name for name, _ in fused.layer2.named_parameters()]
    assert names[0] == '0.convs.0.conv.weight'


@pytest.mark.parametrize(
    'changes', [dict(avg_down=True), dict(norm_cfg=dict(type='GN', num_groups=4))]
)
def test_blocks_with_other_layers_stay(networks, changes):
    _, fused = networks(**changes)
    kinds = {type(block) for block in fused.layer2}
    assert (FusedBlock in kinds) == ('avg_down' in changes)  # all but the first
    assert type(fused.layer2[0]) is not FusedBlock


def test_they_compute_without_fusion_where_they_must(networks, count_operators):
    network, fused = networks()
    with torch.enable_grad():
        assert count_operators(fused, FRAMES)[CONVOLUTION] == 0
        assert_same(fused(FRAMES), network(FRAMES))
    with torch.no_grad():
        with torch.backends.mkldnn.flags(enabled=False):
            assert count_operators(fused, FRAMES)[CONVOLUTION] == 0
        with torch.autocast('cpu', torch.bfloat16):
            assert count_operators(fused, FRAMES)[CONVOLUTION] == 0
        expected = network.double()(FRAMES.double())
        assert count_operators(fused.double(), FRAMES.double())[CONVOLUTION] == 0
        assert_same(fused(FRAMES.double()), expected)


@on_x86
@torch.no_grad()
def test_new_weights_are_used(networks):
    network, fused = networks()
    before = fused(FRAMES)[-1]
    for net in (network, fused):
        for parameter in net.parameters():
            parameter.mul_(0.9)
    assert (fused(FRAMES)[-1] - before).abs().max() > 0.1 * before.abs().max()
    assert_same(fused(FRAMES), network(FRAMES))
    other = {name: value * 0.9 for name, value in fused.state_dict().items()}
    fused.load_state_dict(other, assign=True)
    for parameter in network.parameters():
        parameter.mul_(0.9)
    assert_same(fused(FRAMES), network(FRAMES))


@torch.no_grad()
def test_they_can_be_copied_and_saved_after_a_pass(networks):
    _, fused = networks()
    expected = fused(FRAMES)
    assert_same(copy.deepcopy(fused)(FRAMES), expected)
    file = io.BytesIO()
    torch.save(fused, file)
    file.seek(0)
    assert_same(torch.load(file, weights_only=False)(FRAMES), expected)
    assert all(value.layout == torch.strided for value in fused.state_dict().values())


def test_weights_of_inference_mode_are_convolved(networks):
    with torch.inference_mode():
        network, fused = networks(depth=18)
        assert_same(fused(FRAMES), network(FRAMES))
