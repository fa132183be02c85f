"""Exchange between memory tokens of equal index in all frames of a clip."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmvis.registry import MODELS

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'
B, T, M, C, LAYER = 2, 3, 8, 256, 1


@pytest.fixture(scope='module')
def neck():
    """The neck of the published IFC."""
    init_default_scope('mmvis')
    torch.manual_seed(0)
    cfg = Config.fromfile(CONFIGS / '_base_/models/ifc_r50.py').model.neck
    return MODELS.build(cfg).eval()


@pytest.fixture
def tokens():
    return torch.randn(B, T, M, C, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
@pytest.mark.parametrize(('b', 't', 'm'), [(0, 1, 2), (1, 0, 7), (1, 2, 0)])
def test_token_reaches_its_index_in_all_frames_and_nothing_else(neck, tokens, b, t, m):
    """IFC (Hwang et al., NeurIPS 2021), Sec. 3.2; golden/ifc/notes.md, 2."""
    changed = tokens.clone()
    changed[b, t, m] += 1
    before, after = neck.exchange(tokens, LAYER), neck.exchange(changed, LAYER)
    moved = (before - after).abs().amax(-1) > 1e-6  # (B, T, M)
    expected = torch.zeros(B, T, M, dtype=torch.bool)
    expected[b, :, m] = True
    assert torch.equal(moved, expected)


@torch.no_grad()
@pytest.mark.parametrize('layer', range(3))
def test_exchange_is_one_encoder_layer_along_time(neck, tokens, layer):
    exchanged = neck.exchange(tokens, layer)
    for b in range(B):
        for m in range(M):
            alone = neck.memory_layers[layer](tokens[b, :, m][None])[0]  # (T, C)
            torch.testing.assert_close(exchanged[b, :, m], alone, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_order_of_indices_does_not_matter(neck, tokens):
    """Indices have no position of their own in the exchange, and neither has time."""
    order = torch.tensor([3, 0, 7, 1, 6, 2, 5, 4])
    torch.testing.assert_close(
        neck.exchange(tokens[:, :, order], LAYER),
        neck.exchange(tokens, LAYER)[:, :, order],
        atol=1e-5,
        rtol=1e-5,
    )
    torch.testing.assert_close(
        neck.exchange(tokens.flip(1), LAYER),
        neck.exchange(tokens, LAYER).flip(1),
        atol=1e-5,
        rtol=1e-5,
    )
