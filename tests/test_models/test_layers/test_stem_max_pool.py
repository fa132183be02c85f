import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmvis.models.layers import StemMaxPool2d


@pytest.mark.parametrize('size', [(12, 16), (13, 17), (1, 2), (2, 1), (1, 1)])
def test_equals_pytorch(size):
    x = torch.randn(2, 3, *size)
    x[0, 0, 0, 0] = float('nan')
    x[1, 1, -1, -1] = float('-inf')
    expected = F.max_pool2d(x, 3, 2, 1)
    pooled = StemMaxPool2d()(x)
    torch.testing.assert_close(pooled, expected, rtol=0, atol=0, equal_nan=True)
    assert pooled.is_contiguous()


def test_input_is_not_changed():
    x = torch.randn(1, 2, 7, 8)
    before = x.clone()
    StemMaxPool2d()(x)
    assert torch.equal(x, before)


def test_places_of_maxima_are_kept_only_for_gradients(count_operators):
    pool, x = StemMaxPool2d(), torch.randn(1, 2, 12, 16)

    assert 'aten::max_pool2d_with_indices' not in count_operators(pool, x)
    x.requires_grad_()
    assert 'aten::max_pool2d_with_indices' in count_operators(pool, x)
    with torch.no_grad():
        assert 'aten::max_pool2d_with_indices' not in count_operators(pool, x)


def test_gradients_are_those_of_pytorch():
    x = torch.zeros(1, 1, 6, 7, requires_grad=True)  # all equal: the first one counts
    pooled = torch.autograd.grad(StemMaxPool2d()(x).sum(), x)[0]
    assert torch.equal(
        pooled, torch.autograd.grad(F.max_pool2d(x, 3, 2, 1).sum(), x)[0]
    )


def test_only_poolings_of_this_kind_are_replaced():
    network = nn.ModuleDict(
        dict(
            stem=nn.Sequential(nn.MaxPool2d(kernel_size=3, stride=2, padding=1)),
            small=nn.MaxPool2d(2),
            ceiled=nn.MaxPool2d(3, 2, 1, ceil_mode=True),
            dilated=nn.MaxPool2d(3, 2, 1, dilation=2),
            indexed=nn.MaxPool2d(3, 2, 1, return_indices=True),
        )
    )
    StemMaxPool2d.convert(network)
    replaced = [n for n, m in network.named_modules() if isinstance(m, StemMaxPool2d)]
    assert replaced == ['stem.0']
