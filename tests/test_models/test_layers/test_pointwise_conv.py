import pytest
import torch
from mmcv.cnn.bricks.wrappers import Conv2d
from torch import nn
from torch.nn import functional as F

from mmvis import processor
from mmvis.models.layers import PointwiseConv2d, pointwise_conv


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=['AuthenticAMD', 'GenuineIntel'])
def vendor(request, monkeypatch, tmp_path):
    """The processor that the machine seems to have."""
    cpuinfo = tmp_path / 'cpuinfo'
    cpuinfo.write_text(f'processor\t: 0\nvendor_id\t: {request.param}\n')
    monkeypatch.setattr(processor, '_CPUINFO', cpuinfo)
    pointwise_conv._has_slow_mkl.cache_clear()
    yield request.param
    pointwise_conv._has_slow_mkl.cache_clear()


def test_who_computes_it_with_one_thread(one_thread, vendor, count_operators):
    x = torch.randn(1, 16, 40, 50)
    network = nn.Sequential(nn.Conv2d(16, 8, 1))
    PointwiseConv2d.convert(network)
    kernels = dict(
        AuthenticAMD='aten::mkldnn_convolution',
        GenuineIntel='aten::_slow_conv2d_forward',
    )
    assert count_operators(network, x).keys() & set(kernels.values()) == {
        kernels[vendor]
    }


def test_without_cpuinfo_the_vendor_is_that_of_the_platform(monkeypatch, tmp_path):
    monkeypatch.setattr(processor, '_CPUINFO', tmp_path / 'none')
    for name, expected in [
        ('AMD64 Family 25 Model 80 Stepping 0, AuthenticAMD', True),
        ('Intel64 Family 6 Model 140 Stepping 1, GenuineIntel', False),
        ('arm', False),
    ]:
        monkeypatch.setattr('platform.processor', lambda name=name: name)
        assert pointwise_conv._has_slow_mkl.__wrapped__() is expected


def test_results_and_gradients_are_those_of_a_matrix_product(vendor):
    torch.manual_seed(0)
    conv = PointwiseConv2d(16, 8, 1)
    x = torch.randn(2, 16, 40, 50, requires_grad=True)
    expected = torch.einsum('oi,nihw->nohw', conv.weight[:, :, 0, 0], x)
    expected = expected + conv.bias[:, None, None]
    torch.testing.assert_close(conv(x), expected, atol=1e-5, rtol=1e-5)
    weights = torch.randn_like(expected)
    inputs = (x, conv.weight, conv.bias)
    gradients = torch.autograd.grad((conv(x) * weights).sum(), inputs)
    wanted = torch.autograd.grad((expected * weights).sum(), inputs)
    for value, reference in zip(gradients, wanted):
        torch.testing.assert_close(value, reference, atol=1e-3, rtol=1e-4)


def test_only_plain_pointwise_convolutions_are_replaced():
    class Padded(nn.Conv2d):
        def forward(self, x):
            return super().forward(F.pad(x, (0, 1)))

    network = nn.ModuleDict(
        dict(
            plain=nn.Conv2d(4, 6, 1, bias=False),
            inner=nn.Sequential(nn.Conv2d(4, 6, 1)),
            mmcv=Conv2d(4, 6, 1),
            strided=nn.Conv2d(4, 6, 1, stride=2),
            padded=nn.Conv2d(4, 6, 1, padding=1),
            grouped=nn.Conv2d(4, 6, 1, groups=2),
            large=nn.Conv2d(4, 6, 3),
            other=Padded(4, 6, 1),
        )
    )
    network.plain.weight.requires_grad_(False)
    before = dict(network.named_parameters())
    PointwiseConv2d.convert(network)
    after = dict(network.named_parameters())
    assert list(before) == list(after)
    assert all(after[name] is before[name] for name in before)
    replaced = [n for n, m in network.named_modules() if isinstance(m, PointwiseConv2d)]
    assert replaced == ['plain', 'inner.0', 'mmcv']
