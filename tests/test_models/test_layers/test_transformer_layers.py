import pytest
import torch

from mmvis.models.layers import MLP, DecoderLayer, EncoderLayer, sine_position


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


def test_positions_do_not_enter_values():
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


def test_mlp_has_no_activation_after_the_last_layer():
    mlp = MLP(3, 5, 2, num_layers=2)
    x = torch.randn(4, 3)
    hidden = mlp.layers[0](x).clamp(min=0)
    torch.testing.assert_close(mlp(x), mlp.layers[1](hidden))


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
