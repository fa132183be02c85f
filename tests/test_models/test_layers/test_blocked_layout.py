import platform
from pathlib import Path

import pytest
import torch
from mmdet.models import ResNet
from torch import nn
from torch.nn import functional as F

from mmvis.apis import init_model
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
            if isinstance(norm, nn.BatchNorm2d):
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


@torch.no_grad()
def test_a_published_model_has_it(layouts):
    config = Path(__file__).parents[3] / 'configs/ifc_r50.py'
    backbone = init_model(config, device='cpu').backbone
    assert layouts(backbone, FRAMES[:1])[1] == {True}


class Wrapped(nn.Module):
    """A layer that is none of oneDNN's, with one in it, as a deformable convolution."""

    def __init__(self, conv):
        super().__init__()
        self.conv = conv

    def forward(self, x):
        return self.conv(x.flip(-1))


class Sharpened(nn.Conv2d):
    """A convolution that computes something else."""

    def forward(self, x):
        return super().forward(x) - x.flip(-1)


@torch.no_grad()
@pytest.mark.parametrize('kind', ['wrapped', 'subclass'])
def test_stages_with_other_layers_in_them_stay(layouts, kind):
    network = ResNet(depth=50, base_channels=16, stem_channels=16)
    network.eval()
    for stage in (network.layer1, network.layer4):
        conv = stage[1].conv2
        size = conv.in_channels
        wrapped = Wrapped(conv), Sharpened(size, size, 3, padding=1)
        stage[1].conv2 = wrapped[kind == 'subclass']
    use_blocked_layout(network)
    assert layouts(network, FRAMES)[1] == {False}


def test_it_trains_as_before(make_network):
    network = make_network()
    plain = ResNet(depth=50, base_channels=16, stem_channels=16)
    plain.load_state_dict(network.state_dict())
    gradients = []
    for trained in (network, plain):
        trained.train()
        maps = trained(FRAMES)
        F.mse_loss(maps[-1], torch.ones_like(maps[-1])).backward()
        gradients.append(trained.layer2[0].conv2.weight.grad)
    assert gradients[0].abs().max() > 0
    torch.testing.assert_close(*gradients)
