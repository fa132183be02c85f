import pytest
import torch

from mmvis.models.from_scratch import (
    FromScratchVidEoMTHead,
    FromScratchVisionTransformer,
)
from mmvis.models.layers import sine_position
from mmvis.structures import ClipFeatures

pytestmark = pytest.mark.usefixtures('mmvis_scope')
C, LAYER = 32, dict(num_heads=2, layer_scale=1.0)


def build_head(**changes):
    torch.manual_seed(0)
    cfg = dict(
        num_classes=3,
        in_channels=[C],
        layer=LAYER,
        num_blocks=2,
        num_queries=6,
        num_upscale_steps=1,
        query_grid=(2, 3),
        pos_temperature=20,
    )
    return FromScratchVidEoMTHead(**(cfg | changes)).eval()


def clip_features(rows=4, columns=6):
    x = torch.randn(1, 2, C, rows, columns)
    padding_mask = torch.zeros(1, 2, rows, columns, dtype=torch.bool)
    return ClipFeatures((x,), (8,), (padding_mask,))


def build_backbone(**changes):
    torch.manual_seed(0)
    cfg = dict(
        stem=dict(
            type='ResNet',
            depth=18,
            stem_channels=4,
            base_channels=4,
            num_stages=2,
            strides=(1, 2),
            dilations=(1, 1),
            out_indices=(0, 1),
        ),
        embed_dims=C,
        num_blocks=1,
        layer=LAYER,
        patch_size=8,
        img_size=24,
        num_registers=0,
        pos_temperature=20,
    )
    return FromScratchVisionTransformer(**(cfg | changes)).eval()


def frames_of(size):
    frames = torch.randn(1, 2, 3, *size)
    padding_mask = torch.zeros(1, 2, *size, dtype=torch.bool)
    return ClipFeatures((frames,), (1,), (padding_mask,))


@torch.no_grad()
def test_patches_are_the_cells_of_the_stem_in_frames_padded_to_whole_patches():
    model = build_backbone(layer=dict(num_heads=2, layer_scale=0.0), final_norm=False)
    features = frames_of((20, 24))
    maps = model(features).maps[0]
    frames = torch.cat([features.maps[0][0], torch.zeros(2, 3, 4, 24)], dim=2)
    cells = model.patch_embed(model.stem(frames)[1])  # the coarser of two maps
    position = model.pos_embed.transpose(1, 2).view(1, C, 3, 3)
    torch.testing.assert_close(maps[0], cells + position)


def test_a_stem_of_another_stride_is_refused():
    with pytest.raises(ValueError, match=r'stride of 8, but .*patch_size is 16'):
        build_backbone(patch_size=16)


def test_positions_that_are_rotated_have_no_codes_to_start_with():
    with pytest.raises(ValueError, match=r"backbone\.position .*got 'rotary'"):
        build_backbone(position='rotary')


def test_patches_start_with_the_codes_of_their_places():
    model = build_backbone()
    cells = torch.zeros(1, 1, 3, 3, dtype=torch.bool)
    expected = sine_position(cells, C, 20, offset=-0.5)[0]
    torch.testing.assert_close(model.pos_embed.detach(), expected)


@torch.no_grad()
def test_queries_look_at_the_patches_around_their_points():
    head = build_head()
    cells = torch.zeros(1, 1, 4, 6, dtype=torch.bool)
    codes = sine_position(cells, C, 20, offset=-0.5)[0, 0]
    of_query, of_key, _ = head.blocks[0].attn.qkv.weight.chunk(3)
    fit = (head.query_feat.weight @ of_query.T) @ (codes @ of_key.T).T
    for q, patch in enumerate(fit.argmax(1).tolist()):
        assert (patch // 6 // 2, patch % 6 // 2) == (q // 3, q % 3)


@torch.no_grad()
def test_masks_start_around_the_points_too():
    head = build_head(propagation=None)
    head.attn_mask_probs.zero_()
    plain = head.window.forward
    features = clip_features()
    masks = head(features)['mask_logits']
    head.window.forward = lambda *args: 0 * plain(*args)
    window = masks - head(features)['mask_logits']
    assert window.shape == (1, 6, 2, 8, 12)
    for q in range(6):
        cell = int(window[0, q, 0].argmax())
        assert (cell // 12 // 4, cell % 12 // 4) == (q // 3, q % 3)


def test_a_grid_of_another_number_of_points():
    with pytest.raises(ValueError, match=r'query_grid=\(2, 2\) has 4 points, but .* 6'):
        build_head(query_grid=(2, 2))
