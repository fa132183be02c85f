import pytest
import torch
from torch.nn import functional as F

from mmvis.models.layers import fast_attention, fast_inner_products

NUM_TOKENS = 300  # more than pass through at once


def make_qkv(num_tokens=NUM_TOKENS):
    generator = torch.Generator().manual_seed(0)
    qkv = torch.randn(2, num_tokens, 3, 5, 8, generator=generator)
    return qkv.permute(2, 0, 3, 1, 4)  # as a block makes them


@torch.no_grad()
@pytest.mark.parametrize('num_tokens', [1, 256, NUM_TOKENS])
def test_attention_is_that_of_pytorch(num_tokens):
    q, k, v = make_qkv(num_tokens)
    expected = F.scaled_dot_product_attention(q, k, v)
    mixed = fast_attention(q, k, v)
    torch.testing.assert_close(mixed, expected, atol=1e-6, rtol=1e-5)
    assert mixed.transpose(1, 2).is_contiguous()


@torch.no_grad()
def test_some_queries_at_a_time_hold_few_weights():
    q, k, v = make_qkv()
    with torch.profiler.profile(record_shapes=True) as profile:
        fast_attention(q, k, v)
    shapes = {
        tuple(event.input_shapes[0])
        for event in profile.key_averages(group_by_input_shape=True)
        if event.key == 'aten::_softmax'
    }
    assert shapes == {(256, NUM_TOKENS), (NUM_TOKENS - 256, NUM_TOKENS)}


def test_masks_gradients_and_other_types_are_left_to_pytorch():
    q, k, v = make_qkv()
    q.requires_grad_()
    fast_attention(q, k, v).square().sum().backward()
    given, q.grad = q.grad, None
    F.scaled_dot_product_attention(q, k, v).square().sum().backward()
    torch.testing.assert_close(given, q.grad)
    with torch.no_grad():
        mask = torch.rand(2, 1, NUM_TOKENS, NUM_TOKENS) > 0.5
        masked = fast_attention(q, k, v, mask)
        expected = F.scaled_dot_product_attention(q, k, v, mask)
        torch.testing.assert_close(masked, expected)
        double = fast_attention(*(x.double() for x in (q, k, v)))
    assert double.dtype is torch.float64


@pytest.mark.parametrize('with_grad', [True, False])
def test_products(with_grad, count_operators):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 7, 6, generator=generator)
    y = torch.randn(2, 6, 9, generator=generator).transpose(1, 2)
    with torch.set_grad_enabled(with_grad):
        calls = count_operators(fast_inner_products, x, y)
        products = fast_inner_products(x, y)
    assert ('mkldnn::_linear_pointwise' in calls) == (not with_grad)
    expected = (x[:, :, None] * y[:, None]).sum(-1)
    torch.testing.assert_close(products, expected)
