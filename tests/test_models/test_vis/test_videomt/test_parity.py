"""VidEoMT and EoMT against Hugging Face's transformers.

The golden files hold its outputs, so that these tests run without it.
"""

import pytest
import torch

from mmvis import memory_limits

CLOSE = dict(atol=1e-4, rtol=0)
HEADS = dict(tiny=2, s=6, b=12)
LOSSES = dict(
    loss_cls='loss_cross_entropy', loss_mask='loss_mask', loss_dice='loss_dice'
)
# Ours for some of the gradients that transformers gives, from both ends of the network.
GRADS = {
    'backbone.patch_embed.weight': 'embeddings.patch_embeddings.projection.weight',
    'backbone.pos_embed': 'embeddings.position_embeddings.weight',
    'backbone.blocks.0.attn.proj.weight': 'layers.0.attention.out_proj.weight',
    'backbone.blocks.1.ls1.gamma': 'layers.1.layer_scale1.lambda1',
    'head.blocks.0.mlp.fc1.weight': 'layers.2.mlp.fc1.weight',
    'head.blocks.1.ls2.gamma': 'layers.3.layer_scale2.lambda1',
    'head.query_feat.weight': 'query.weight',
    'head.norm.weight': 'layernorm.weight',
    'head.upscaler.steps.1.conv2.weight': 'upscale_block.block.1.conv2.weight',
    'head.mask_embed.4.weight': 'mask_head.fc3.weight',
    'head.class_embed.bias': 'class_predictor.bias',
}


@torch.no_grad()
@pytest.mark.parametrize(
    ('size', 'num_frames'),
    [(size, num_frames) for size in HEADS for num_frames in (1, 2, 7)],
)
def test_every_frame_of_clips_is_that_of_transformers(golden, size, num_frames):
    expected = golden.arrays(f'forward_{size}')
    available = expected['cls_logits'].shape[2]
    model = golden.model(f'{size}_manifest', HEADS[size])
    image_size = golden.make.SIZES[size]['image_size']
    clips = golden.make.draw_clips(2, available, image_size)[:, :num_frames]
    outputs = model(clips)
    step = 1 if size == 'tiny' else 3
    torch.testing.assert_close(
        outputs['cls_logits'], expected['cls_logits'][:, :, :num_frames], **CLOSE
    )
    torch.testing.assert_close(
        outputs['mask_logits'][..., ::step, ::step],
        expected['mask_logits'][:, :, :num_frames],
        **CLOSE,
    )


@torch.no_grad()
def test_a_segmenter_with_dinov3_is_that_of_transformers(golden):
    expected = golden.arrays('forward_eomt_dinov3_tiny')
    model = golden.model('eomt_dinov3_tiny_manifest', HEADS['tiny'])
    outputs = model(golden.make.draw_clips(2, 1, 64))
    for key, value in expected.items():
        torch.testing.assert_close(outputs[key][:, :, 0], value, **CLOSE)


@torch.no_grad()
def test_one_clip_alone_is_as_in_a_batch(golden):
    expected = golden.arrays('forward_tiny')
    model = golden.model('tiny_manifest', HEADS['tiny'])
    clips = golden.make.draw_clips(2, 7, 64)
    for b in range(2):
        outputs = model(clips[b : b + 1])
        for key, value in outputs.items():
            torch.testing.assert_close(value[0], expected[key][b], **CLOSE)


@torch.no_grad()
@pytest.mark.parametrize('pieces', [(1,) * 7, (3, 1, 3), (2, 5)])
def test_frames_that_come_in_pieces_give_what_the_whole_clip_gives(golden, pieces):
    model = golden.model('tiny_manifest', HEADS['tiny'])
    features = model.extract_feat(golden.make.draw_clips(2, 7, 64))
    whole = model.head(features)
    queries, start = None, 0
    for num_frames in pieces:
        stop = start + num_frames
        outputs, queries = model.head.step(features.select_frames(start, stop), queries)
        for key, value in outputs.items():
            assert torch.equal(value, whole[key][:, :, start:stop])
        start = stop


@torch.no_grad()
@pytest.mark.parametrize('pixels', [1, 3 * 64 * 64])
def test_frames_at_once_do_not_change_the_result(golden, monkeypatch, pixels):
    expected = golden.arrays('forward_tiny')
    model = golden.model('tiny_manifest', HEADS['tiny'])
    sizes = []
    model.backbone.register_forward_pre_hook(
        lambda module, args: sizes.append(args[0].num_frames)
    )
    monkeypatch.setattr(memory_limits, 'PIXELS_AT_ONCE', 2 * pixels)
    outputs = model(golden.make.draw_clips(2, 7, 64))
    assert sizes == ([1] * 7 if pixels == 1 else [3, 3, 1])
    for key, value in outputs.items():
        torch.testing.assert_close(value, expected[key], **CLOSE)


@pytest.mark.parametrize('prob', [0, 1])
def test_losses_and_gradients_are_those_of_eomt(golden, prob):
    expected = golden.arrays(f'loss_tiny_{prob}')
    model = golden.model('eomt_tiny_manifest', HEADS['tiny'], attn_mask_prob=prob)
    size = golden.make.SIZES['tiny']['image_size']
    clips = golden.make.draw_clips(2, 1, size)
    layers = model.head.forward_layers(model.extract_feat(clips))
    torch.manual_seed(0)  # the points
    losses = model.head.criterion(layers, golden.samples(size))
    num_layers = len(model.head.blocks) + 1
    for name, theirs in LOSSES.items():
        terms = [losses[f'd{i}.{name}'] for i in range(num_layers - 1)]
        terms = torch.stack([*terms, losses[name]]).double()
        torch.testing.assert_close(terms, expected[theirs], **CLOSE)
    assert len(losses) == 3 * num_layers
    sum(losses.values()).backward()
    parameters = dict(model.named_parameters())
    for name, theirs in GRADS.items():
        norm = parameters[name].grad.norm()
        wanted = expected[f'gradnorm/{theirs}']
        torch.testing.assert_close(norm, wanted, atol=0, rtol=1e-4)


def test_half_precision_trains(golden):
    """Losses are finite and close, gradients reach both ends of the network."""
    model = golden.model('eomt_tiny_manifest', HEADS['tiny'], attn_mask_prob=0)
    clips, samples = golden.make.draw_clips(2, 1, 64), golden.samples(64)
    totals = []
    for enabled in (False, True):
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=enabled):
            torch.manual_seed(0)
            losses = model.head.loss(model.extract_feat(clips), samples)
        totals.append(sum(losses.values()))
    assert totals[1].item() == pytest.approx(totals[0].item(), rel=0.1)
    totals[1].backward()
    for p in (model.backbone.patch_embed.weight, model.head.class_embed.weight):
        assert p.grad.isfinite().all()
        assert p.grad.abs().sum() > 0
