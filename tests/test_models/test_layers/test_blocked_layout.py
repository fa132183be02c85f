import platform

import pytest
import torch
from mmdet.models import ResNet
from torch.nn import functional as F

from mmvis.models.layers import use_blocked_layout

pytestmark = pytest.mark.skipif(
    platform.machine().lower() not in ('x86_64', 'amd64')
    or not torch.backends.mkldnn.is_available(),
    reason='of oneDNN on x86 CPUs',
)


@pytest.fixture
def make_network():
    def make(**changes):
        torch.manual_seed(0)
        cfg = dict(depth=50, base_channels=16, stem_channels=16)
        network = ResNet(**{**cfg, **changes})
        network.eval()
        for norm in network.modules():
            if isinstance(norm, torch.nn.BatchNorm2d):
                norm.running_mean.normal_()
                norm.running_var.uniform_(0.5, 2)
        use_blocked_layout(network)
        return network

    return make


@pytest.fixture
def layouts():
    """Collect whether blocks get maps in oneDNN's layout."""

    def collect(network, frames):
        found = []
        hooks = [
            block.register_forward_pre_hook(
                lambda _, args: found.append(args[0].is_mkldnn)
            )
            for stage in (network.layer1, network.layer4)
            for block in stage
        ]
        maps = network(frames)
        for hook in hooks:
            hook.remove()
        return maps, set(found)

    return collect


FRAMES = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    'changes',
    [{}, dict(strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2)), dict(style='caffe')],
)
def test_stages_of_bottlenecks_give_the_same_maps_in_blocks(
    make_network, layouts, changes
):
    network = make_network(**changes)
    expected, plain = layouts(network, FRAMES)
    with torch.no_grad():
        maps, blocked = layouts(network, FRAMES)
    assert (plain, blocked) == ({False}, {True})
    for a, b in zip(maps, expected):
        assert a.layout == torch.strided
        assert a.is_contiguous()
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize(
    'changes',
    [
        dict(depth=18),
        dict(norm_cfg=dict(type='GN', num_groups=4)),
        dict(avg_down=True),
    ],
)
def test_other_stages_stay(make_network, layouts, changes):
    network = make_network(**changes)
    assert not network.layer4._forward_hooks
    assert layouts(network, FRAMES)[1] == {False}


@torch.no_grad()
def test_other_tensors_stay(make_network, layouts):
    network = make_network()
    with torch.autocast('cpu', torch.bfloat16):
        assert layouts(network, FRAMES)[1] == {False}
    assert layouts(network.double(), FRAMES.double())[1] == {False}
    network.float()
    last = FRAMES.contiguous(memory_format=torch.channels_last)
    network.to(memory_format=torch.channels_last)
    assert layouts(network, last)[1] == {False}
    network.to(memory_format=torch.contiguous_format)
    with torch.backends.mkldnn.flags(enabled=False):
        assert layouts(network, FRAMES)[1] == {False}
    assert layouts(network, FRAMES)[1] == {True}
    network.train()
    assert layouts(network, FRAMES)[1] == {False}


def test_it_trains_as_before(make_network):
    network = make_network()
    network.train()
    maps = network(FRAMES)
    F.mse_loss(maps[-1], torch.ones_like(maps[-1])).backward()
    assert network.layer2[0].conv2.weight.grad.abs().max() > 0
