import math
import subprocess
import sys

import pytest
import torch

from mmvis import memory_limits
from mmvis.errors import UserError
from mmvis.models.layers import (
    DecoderLayer,
    EncoderLayer,
    ViTBlock,
    attend,
    run_recomputed,
    sine_position,
    sine_position_3d,
    stack_layers,
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_encoder_layer_ignores_padding():
    layer = EncoderLayer(16, num_heads=2, feedforward_channels=24, dropout=0.0)
    tokens, pos = torch.randn(2, 5, 16), torch.randn(2, 5, 16)
    padding = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    out = layer(tokens, pos, padding)
    alone = layer(tokens[1:, :3], pos[1:, :3])
    torch.testing.assert_close(out[1:, :3], alone)


def test_positions_are_not_added_to_values():
    """With one key only its value comes back, whatever the positions."""
    layer = DecoderLayer(16, num_heads=2, feedforward_channels=24, dropout=0.0)
    query, key = torch.randn(2, 3, 16), torch.randn(2, 1, 16)
    pos = torch.randn(2, 3, 16)
    near = layer.cross_attn(query, key, pos, torch.randn(2, 1, 16))
    far = layer.cross_attn(query, key, 5 * pos, torch.randn(2, 1, 16))
    torch.testing.assert_close(near, far)


def test_attention_equals_its_formula():
    layer = EncoderLayer(8, num_heads=2, feedforward_channels=8, dropout=0.0)
    x = torch.randn(1, 4, 8)
    attention = layer.self_attn
    q, k, v = (
        (x @ w.T + b).view(4, 2, 4).transpose(0, 1)
        for w, b in zip(
            attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3)
        )
    )
    mixed = (q @ k.transpose(1, 2) / 2).softmax(-1) @ v  # (2, 4, 4)
    mixed = attention.out_proj(mixed.transpose(0, 1).reshape(1, 4, 8))
    torch.testing.assert_close(attention(x), attention.norm(x + mixed))


def test_permuting_queries_permutes_outputs():
    layer = DecoderLayer(16, num_heads=2, feedforward_channels=24, dropout=0.0)
    query, pos = torch.randn(2, 5, 16), torch.randn(2, 5, 16)
    key, key_pos = torch.randn(2, 7, 16), torch.randn(2, 7, 16)
    order = torch.tensor([3, 1, 4, 0, 2])
    out = layer(query, key, pos, key_pos)
    permuted = layer(query[:, order], key, pos[:, order], key_pos)
    torch.testing.assert_close(permuted, out[:, order])


def test_sine_position_counts_unpadded_cells():
    padding = torch.zeros(1, 2, 3, 4, dtype=torch.bool)
    padding[:, :, 2:] = True
    padding[:, :, :, 3:] = True
    pos = sine_position(padding, 8).view(1, 2, 3, 4, 8)
    alone = sine_position(padding[:, :, :2, :3], 8).view(1, 2, 2, 3, 8)
    torch.testing.assert_close(pos[:, :, :2, :3], alone)
    torch.testing.assert_close(pos[:, 0], pos[:, 1])
    # y in the first half of the channels, 2 pi at the last row
    assert pos[0, 0, 1, 0, 1].item() == pytest.approx(1.0, abs=1e-5)
    assert torch.equal(pos[0, 0, 0, 0, :4], pos[0, 0, 0, 2, :4])


def test_sine_position_of_centres_and_temperature():
    """Of one row: its centre is half a period, its lower frequency 20 times lower."""
    row = torch.zeros(1, 1, 1, 1, dtype=torch.bool)
    # 8 channels: y has frequencies 1 and 1/sqrt(20), sine and cosine of each
    code = sine_position(row, 8, temperature=20, offset=-0.5)[0, 0, 0, :4]
    angle = torch.tensor([1, 1, 20**-0.5, 20**-0.5]) * math.pi
    expected = torch.where(torch.tensor([1, 0, 1, 0]) == 1, angle.sin(), angle.cos())
    torch.testing.assert_close(code, expected, atol=1e-5, rtol=0)


def test_sine_position_3d_counts_along_each_axis():
    padding = torch.zeros(1, 4, 3, 5, dtype=torch.bool)
    pos = sine_position_3d(padding, 12).view(1, 4, 3, 5, 12)
    # Four channels for each of t, y, x: sine, cosine, then both 100 times slower.
    for axis, (index, angle) in enumerate(
        [((0, 0, 2, 2), 0.25), ((0, 3, 0, 2), 1 / 3), ((0, 3, 2, 0), 0.2)]
    ):
        angle = torch.tensor(2 * math.pi * angle)
        code = torch.stack([angle.sin(), angle.cos(), angle.div(100).sin()])
        given = pos[index][4 * axis : 4 * axis + 3]
        torch.testing.assert_close(given, code, atol=1e-5, rtol=0)


def test_sine_position_3d_ignores_padding():
    padding = torch.zeros(2, 3, 4, 5, dtype=torch.bool)
    padding[1, :, 2:] = True
    padding[1, :, :, 3:] = True
    pos = sine_position_3d(padding, 12).view(2, 3, 4, 5, 12)
    alone = sine_position_3d(padding[1:, :, :2, :3], 12).view(1, 3, 2, 3, 12)
    torch.testing.assert_close(pos[1:, :, :2, :3], alone)


def test_sine_position_3d_names_a_wrong_width():
    with pytest.raises(ValueError, match='multiple of 6, got 64'):
        sine_position_3d(torch.zeros(1, 1, 1, 1, dtype=torch.bool), 64)


def plain_attention(q, k, v, is_padding):
    logits = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    return logits.masked_fill(is_padding[:, None, None], -torch.inf).softmax(-1) @ v


def test_attend_equals_its_formula_with_padding():
    q, k, v = torch.randn(2, 3, 7, 4), torch.randn(2, 3, 5, 4), torch.randn(2, 3, 5, 4)
    padding = torch.tensor([[False] * 5, [False] * 2 + [True] * 3])
    mixed = attend(q, k, v, padding)
    torch.testing.assert_close(mixed, plain_attention(q, k, v, padding))


def test_attend_with_dropout_is_right_on_average(monkeypatch):
    """Some queries at a time, as on the CPU with dropout."""
    q, k, v = (torch.randn(1, 2, n, 4) for n in (9, 5, 5))
    q.requires_grad_()
    wanted = plain_attention(q, k, v, torch.zeros(1, 5, dtype=torch.bool))
    monkeypatch.setattr(memory_limits, 'ATTENTION_WEIGHTS_AT_ONCE', 40)
    runs = torch.stack([attend(q, k, v, dropout=0.3) for _ in range(1000)])
    torch.testing.assert_close(runs.mean(0), wanted, atol=0.15, rtol=0)
    assert runs.std(0).min() > 0.01


def test_attend_with_dropout_has_the_gradients_of_its_forward_pass(monkeypatch):
    """The dropout drawn again in the backward pass is that of the forward pass."""
    q, k, v = (torch.randn(1, 1, n, 4, dtype=torch.double) for n in (6, 5, 5))
    direction = torch.randn_like(v)
    monkeypatch.setattr(memory_limits, 'ATTENTION_WEIGHTS_AT_ONCE', 10)

    def run(shift):
        torch.manual_seed(3)
        shifted = (v + shift * direction).requires_grad_()
        mixed = attend(q, k, shifted, dropout=0.4)
        return mixed.square().sum(), shifted

    total, values = run(0.0)
    total.backward()
    slope = (run(1e-4)[0] - run(-1e-4)[0]).item() / 2e-4
    assert (values.grad * direction).sum().item() == pytest.approx(slope, rel=1e-5)


MEASURE = """
import resource, sys, torch
from mmvis.models.layers import attend
q, k, v = (torch.randn(1, 4, 4000, 4, requires_grad=True) for _ in range(3))
padding = torch.zeros(1, 4000, dtype=torch.bool)
padding[:, 3000:] = True
small = [x[:, :, :300] for x in (q, k, v)]
attend(*small, padding[:, :300], float(sys.argv[1])).sum().backward()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
attend(q, k, v, padding, float(sys.argv[1])).sum().backward()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.parametrize('dropout', ['0', '0.1'])
def test_attend_never_holds_all_weights(dropout):
    """Plain attention takes 980 MB here: 4 heads x 4000 x 4000, four times."""
    command = [sys.executable, '-c', MEASURE, dropout]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(result.stdout) < 450


def test_recomputing_changes_no_gradient():
    layer = EncoderLayer(16, num_heads=2, feedforward_channels=24, dropout=0.2)
    x = torch.randn(2, 5, 16)
    grads = []
    for with_cp in (False, True):
        layer.zero_grad()
        torch.manual_seed(4)
        run_recomputed(layer, x, None, None, with_cp=with_cp).square().sum().backward()
        grads.append([p.grad.clone() for p in layer.parameters()])
    torch.testing.assert_close(grads[0], grads[1])


def test_layers_are_built_alike():
    layers = stack_layers(EncoderLayer, 3, 16, dict(num_heads=2))
    assert [layer.self_attn.num_heads for layer in layers] == [2, 2, 2]
    assert stack_layers(DecoderLayer, 1, 16, None)[0].cross_attn.num_heads == 8


@pytest.mark.parametrize(
    ('kind', 'num_layers', 'layer', 'message'),
    [
        (
            EncoderLayer,
            1,
            dict(num_hads=2),
            "'num_hads'. EncoderLayer takes num_",
        ),
        (
            ViTBlock,
            1,
            dict(),
            "required argument: 'num_heads'. ViTBlock takes",
        ),
        (ViTBlock, 1, dict(num_heads=3), 'embed_dims=16 cannot be split among'),
        (DecoderLayer, 1, dict(num_heads=3), r'embed_dims=16 .* layer\.num_heads=3'),
        (DecoderLayer, 1, dict(num_heads=0), 'embed_dims=16 cannot be split among'),
        (EncoderLayer, 0, None, 'at least 1, got 0'),
    ],
)
def test_layers_that_cannot_be_built(kind, num_layers, layer, message):
    with pytest.raises(UserError, match=message):
        stack_layers(kind, num_layers, 16, layer)
