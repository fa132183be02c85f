import copy

import pytest
import torch
from torch import nn

from mmvis.models.layers import FrozenBatchNorm2d


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5, eps=1e-3), nn.ReLU(inplace=True)
    )
    norm = network[1]
    nn.init.normal_(norm.running_mean)
    nn.init.uniform_(norm.running_var, 0.1, 2)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    return network.eval()


def freeze(network):
    network[1].requires_grad_(False)
    return network


def kept_shapes(network, x):
    """Shapes of what is kept for the backward pass."""
    shapes = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: shapes.append(tuple(tensor.shape)) or tensor, lambda kept: kept
    ):
        network(x)
    return shapes


def test_outputs_and_gradients_are_pytorchs(network):
    converted = copy.deepcopy(freeze(network))
    FrozenBatchNorm2d.convert(converted)
    assert type(converted[1]) is FrozenBatchNorm2d
    gradients = []
    for net in (network, converted):
        x = torch.randn(2, 3, 7, 9, generator=torch.Generator().manual_seed(1))
        x.requires_grad_()
        out = net(x)
        (out**2).sum().backward()
        gradients.append((out, x.grad, net[0].weight.grad, net[0].bias.grad))
    expected, found = gradients
    assert torch.equal(found[0], expected[0])
    for gradient, reference in zip(found[1:], expected[1:], strict=True):
        torch.testing.assert_close(gradient, reference, rtol=1e-5, atol=1e-5)
    assert converted[1].weight.grad is None


def test_input_of_a_frozen_norm_is_not_kept(network):
    x = torch.randn(2, 3, 7, 9)
    maps = (2, 5, 5, 7)
    assert kept_shapes(freeze(network), x).count(maps) == 2  # of norm and ReLU
    FrozenBatchNorm2d.convert(network)
    assert kept_shapes(network, x).count(maps) == 1


def test_parameters_and_buffers_stay(network):
    state = network.state_dict()
    FrozenBatchNorm2d.convert(network)
    converted = network.state_dict()
    assert list(converted) == list(state)
    for name, value in converted.items():
        assert value.data_ptr() == state[name].data_ptr()
    assert not network[1].training
    assert network[1].eps == 1e-3


def test_norm_that_learns_is_pytorchs(network):
    FrozenBatchNorm2d.convert(network)
    x = torch.randn(2, 3, 7, 9)
    network(x).sum().backward()
    assert network[1].weight.grad.abs().sum() > 0
    before = network[1].running_mean.clone()
    network.train()(x)
    assert not torch.equal(network[1].running_mean, before)


def test_other_norms_are_left(network):
    network[1] = nn.BatchNorm2d(5, affine=False)
    network.append(nn.BatchNorm2d(5, track_running_stats=False))
    FrozenBatchNorm2d.convert(network)
    assert type(network[1]) is type(network[3]) is nn.BatchNorm2d
