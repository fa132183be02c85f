import numpy as np
import pytest
import torch

from mmvis.models.backbones import VisionTransformer
from mmvis.models.backbones.vision_transformer import resample_position
from mmvis.registry import MODELS
from mmvis.structures import ClipFeatures

pytestmark = pytest.mark.usefixtures('mmvis_scope')
TINY = dict(
    embed_dims=16, num_blocks=2, layer=dict(num_heads=2, layer_scale=1.0), img_size=64
)


def clip_features(frames):
    padding_mask = torch.zeros_like(frames[:, :, 0], dtype=torch.bool)
    return ClipFeatures((frames,), (1,), (padding_mask,))


def build(**changes):
    torch.manual_seed(0)
    return VisionTransformer(**(TINY | changes)).eval()


@torch.no_grad()
@pytest.mark.parametrize('position', ['absolute', 'rotary'])
def test_frames_of_any_size_become_patches_and_tokens(position):
    model = build(position=position, num_registers=3)
    features = model(clip_features(torch.randn(2, 3, 3, 40, 90)))
    assert features.maps[0].shape == (2, 3, 16, 3, 6)
    assert features.feat_strides == (16,)
    assert features.padding_masks[0].shape == (2, 3, 3, 6)
    assert features.tokens.shape == (2, 3, 4, 16)


@torch.no_grad()
@pytest.mark.parametrize('position', ['absolute', 'rotary'])
def test_no_frame_sees_another(position):
    model = build(position=position)
    frames = torch.randn(2, 3, 3, 64, 96)
    together = model(clip_features(frames))
    alone = model(clip_features(frames[1:, 2:]))
    torch.testing.assert_close(together.maps[0][1:, 2:], alone.maps[0])
    torch.testing.assert_close(together.tokens[1:, 2:], alone.tokens)


@torch.no_grad()
def test_incomplete_patches_are_filled_up_with_zeros():
    model = build()
    frames = torch.randn(1, 1, 3, 40, 90)
    filled = torch.nn.functional.pad(frames, (0, 6, 0, 8))
    ours, expected = model(clip_features(frames)), model(clip_features(filled))
    assert torch.equal(ours.maps[0], expected.maps[0])


def cubic_weights(num_in, num_out):
    """Rows of an antialiased cubic filter (a = -0.5), written from its definition."""
    scale = num_in / num_out
    width = max(scale, 1.0)
    rows = np.zeros((num_out, num_in))
    for i in range(num_out):
        centre = (i + 0.5) * scale
        x = np.abs((np.arange(num_in) + 0.5 - centre) / width)
        inner = 1.5 * x**3 - 2.5 * x**2 + 1
        outer = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
        rows[i] = np.where(x < 1, inner, np.where(x < 2, outer, 0))
        rows[i] /= rows[i].sum()
    return rows


@pytest.mark.parametrize('size', [(3, 7), (10, 10), (28, 50)])
def test_positions_are_resampled_by_an_antialiased_cubic_filter(size):
    table = torch.randn(1, 100, 4, generator=torch.Generator().manual_seed(0))
    grid = table[0].view(10, 10, 4).double().numpy()
    rows, columns = (cubic_weights(10, n) for n in size)
    expected = np.einsum('ia,jb,abc->ijc', rows, columns, grid).reshape(1, -1, 4)
    actual = resample_position(table, size)
    np.testing.assert_allclose(actual, expected, atol=2e-5)


def test_tables_are_resampled_as_by_timm():
    # timm 1.0.31, resample_abs_pos_embed
    expected = [
        0.4732, 1.02558, 2.00697, 3.14416, 2.32898, 1.27222, 1.28411, 2.91878, 4.04534,
        1.85611, 1.03854, 0.9319, 3.29742, 2.58433, 1.50432, 0.63094, 0.91035, 1.41485,
    ]  # fmt: skip
    table = torch.arange(16.0).square().view(1, 16, 1) % 7
    actual = resample_position(table, (3, 6)).flatten()
    torch.testing.assert_close(actual, torch.tensor(expected), atol=1e-5, rtol=0)


def test_the_table_is_taken_as_it_is_at_its_own_size():
    table = torch.randn(1, 16, 4)
    assert resample_position(table, (4, 4)) is table


@pytest.mark.parametrize('position', ['absolute', 'rotary'])
def test_gradients_reach_all_weights_and_do_not_change_when_recomputed(position):
    grads = []
    for with_cp in (False, True):
        model = build(position=position, with_cp=with_cp).train()
        torch.manual_seed(1)
        features = model(clip_features(torch.randn(1, 2, 3, 48, 64)))
        (features.maps[0].square().sum() + features.tokens.square().sum()).backward()
        grads.append({name: p.grad for name, p in model.named_parameters()})
    for name, grad in grads[0].items():
        assert grad.abs().sum() > 0, name
        torch.testing.assert_close(grad, grads[1][name])


@torch.no_grad()
def test_half_precision_is_close():
    model = build()
    features = clip_features(torch.randn(1, 1, 3, 64, 64))
    expected = model(features).maps[0]
    with torch.autocast('cpu', dtype=torch.bfloat16):
        actual = model(features).maps[0]
    torch.testing.assert_close(actual.float(), expected, atol=0.1, rtol=0.1)


def test_without_final_norm_it_ends_with_the_last_block():
    model = build(final_norm=False)
    assert not any(name.startswith('norm') for name in model.state_dict())


def test_keys_without_bias_as_in_dinov3():
    layer = dict(num_heads=2, layer_scale=1.0, key_bias=False)
    model = build(layer=layer, position='rotary')
    attention = model.blocks[0].attn
    with torch.no_grad():
        attention.q_bias.fill_(2)
        attention.v_bias.fill_(3)
    assert attention._bias().tolist() == [2] * 16 + [0] * 16 + [3] * 16


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(position='learned'), r"position must be 'absolute' or 'rotary', got 'le"),
        (dict(layer=dict(num_heads=3)), r'embed_dims=16 cannot be split among .*=3'),
    ],
)
def test_wrong_values_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**changes)


def test_registered():
    assert isinstance(
        MODELS.build(dict(type='VisionTransformer', **TINY)), VisionTransformer
    )
