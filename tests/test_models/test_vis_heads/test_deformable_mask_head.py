import torch
from torch.nn import functional as F

from mmvis.models.vis_heads import BoxAttention, DeformableMaskHead


def build():
    torch.manual_seed(0)
    return DeformableMaskHead(24, 4, [6, 10], num_groups=1)


def make_inputs():
    torch.manual_seed(1)
    encoded, attention = torch.randn(3, 24, 3, 4), torch.rand(3, 5, 4, 3, 4)
    return encoded, attention, [torch.randn(3, 6, 11, 15), torch.randn(3, 10, 6, 8)]


@torch.no_grad()
def test_first_convolution_is_that_of_the_concatenation():
    head, (encoded, attention, _) = build(), make_inputs()
    both = torch.cat([encoded[:, None].expand(-1, 5, -1, -1, -1), attention], dim=2)
    expected = head.convs[0](both.flatten(0, 1))
    given = head._first_conv(encoded, attention)
    torch.testing.assert_close(given, expected)


@torch.no_grad()
def test_instances_are_independent():
    head, (encoded, attention, laterals) = build(), make_inputs()
    out = head(encoded, attention, laterals)
    assert out.shape == (3, 5, 3, 11, 15)
    order = [4, 2, 0, 1, 3]
    permuted = head(encoded, attention[:, order], laterals)
    torch.testing.assert_close(permuted, out[:, order])
    second = head(encoded[1:2], attention[1:2], [m[1:2] for m in laterals])
    torch.testing.assert_close(second, out[1:2])


@torch.no_grad()
def test_without_offsets_it_is_a_plain_convolution():
    head = build()
    x = torch.randn(2, 6, 5, 7)
    given = head.dcn(x, head.conv_offset(x))
    expected = F.conv2d(x, head.dcn.weight, padding=1)
    torch.testing.assert_close(given, expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_box_attention_sums_to_one_over_heads_and_unpadded_cells():
    torch.manual_seed(0)
    module = BoxAttention(24, num_heads=4)
    query, encoded = torch.randn(2, 5, 24), torch.randn(2, 24, 3, 4)
    padding = torch.zeros(2, 3, 4, dtype=torch.bool)
    padding[1, :, 2:] = True
    weights = module(query, encoded, padding)
    assert weights.shape == (2, 5, 4, 3, 4)
    torch.testing.assert_close(weights.sum((2, 3, 4)), torch.ones(2, 5))
    assert not weights[1, ..., 2:].any()
    alone = module(query[1:], encoded[1:, :, :, :2], padding[1:, :, :2])
    torch.testing.assert_close(weights[1:, ..., :2], alone)
