import pytest
import torch

from mmvis.models.vis_heads import VidEoMTHead
from mmvis.structures import ClipFeatures

pytestmark = pytest.mark.usefixtures('mmvis_scope')
B, T, Q, K, C, H, W = 2, 3, 5, 4, 16, 3, 6
TINY = dict(
    num_classes=K,
    in_channels=[C],
    layer=dict(num_heads=2, layer_scale=1.0),
    num_blocks=2,
    num_queries=Q,
)


def build(attn_mask_prob=0.0, **changes):
    torch.manual_seed(0)
    head = VidEoMTHead(**(TINY | changes)).eval()
    for p in head.blocks.parameters():  # as they start, blocks change little
        if p.dim() == 2:
            torch.nn.init.normal_(p, std=0.3)
    head.attn_mask_probs.fill_(attn_mask_prob)
    return head


def clip_features(num_frames=T, num_clips=B, requires_grad=False):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(num_clips, num_frames, C, H, W, generator=generator)
    tokens = torch.randn(num_clips, num_frames, 2, C, generator=generator)
    padding_mask = torch.zeros(num_clips, num_frames, H, W, dtype=torch.bool)
    x.requires_grad_(requires_grad)
    return ClipFeatures((x,), (16,), (padding_mask,), tokens=tokens)


@torch.no_grad()
@pytest.mark.parametrize('propagation', ['linear', 'gru', None])
def test_shapes(propagation):
    head = build(propagation=propagation, num_upscale_steps=1)
    outputs, queries = head.step(clip_features())
    assert outputs['cls_logits'].shape == (B, Q, T, K + 1)
    assert outputs['mask_logits'].shape == (B, Q, T, 2 * H, 2 * W)
    assert queries.shape == (B, Q, C)


@torch.no_grad()
@pytest.mark.parametrize('propagation', ['linear', 'gru'])
def test_a_frame_depends_on_those_before_it_and_on_no_later_one(propagation):
    head = build(propagation=propagation)
    features = clip_features()
    expected = head(features)['cls_logits']
    changed = clip_features()
    changed.maps[0][:, 1] *= -1
    actual = head(changed)['cls_logits']
    assert torch.equal(actual[:, :, 0], expected[:, :, 0])
    assert not torch.allclose(actual[:, :, 2], expected[:, :, 2])


@pytest.mark.parametrize('num_frames', [1, T])
def test_outputs_are_the_same_with_and_without_gradients(num_frames):
    head, features = build(attn_mask_prob=1.0), clip_features(num_frames)
    expected = head.forward_layers(features)
    with torch.no_grad():
        layers = head.forward_layers(features)
    assert len(layers) == len(expected) == 3
    for layer, wanted in zip(layers, expected):
        for key, value in wanted.items():
            torch.testing.assert_close(layer[key], value)
            assert value.requires_grad


@torch.no_grad()
def test_masks_of_a_clip_are_held_once():
    head, features = build(num_upscale_steps=3), clip_features(num_frames=30)
    with torch.profiler.profile(profile_memory=True) as profile:
        masks = head(features)['mask_logits']
    sizes = [event.self_cpu_memory_usage for event in profile.events()]
    assert sum(size >= masks.nbytes for size in sizes) == 1


@torch.no_grad()
def test_frames_are_independent_without_propagation():
    head = build(propagation=None)
    features = clip_features()
    whole = head(features)
    for t in range(T):
        alone = head(features.select_frames(t, t + 1))
        for key, value in alone.items():
            torch.testing.assert_close(value[:, :, 0], whole[key][:, :, t])


@torch.no_grad()
def test_linear_propagation_adds_the_learnt_queries():
    head = build()
    head.query_updater.weight.zero_()
    head.query_updater.bias.fill_(2)
    _, queries = head.step(clip_features())
    expected = head.query_feat.weight + 2
    torch.testing.assert_close(queries, expected.expand(B, -1, -1))


@torch.no_grad()
def test_gru_keeps_what_its_gate_keeps():
    head = build(propagation='gru')
    head.query_updater.weight_ih.zero_()
    head.query_updater.weight_hh.zero_()
    head.query_updater.bias_ih.zero_()
    head.query_updater.bias_ih[C : 2 * C] = 100  # update gate: all of the old state
    _, queries = head.step(clip_features())
    torch.testing.assert_close(queries, head.query_feat.weight.expand(B, -1, -1))


@torch.no_grad()
@pytest.mark.parametrize('propagation', ['linear', 'gru', None])
def test_two_videos_in_turn_do_not_meet(propagation):
    head = build(propagation=propagation)
    videos = [clip_features(num_clips=1), clip_features(num_clips=1)]
    videos[1].maps[0].mul_(-1)
    expected = [head(video)['mask_logits'] for video in videos]
    states = [None, None]
    for t in range(T):
        for i, video in enumerate(videos):
            frame = video.select_frames(t, t + 1)
            outputs, states[i] = head.step(frame, states[i])
            assert torch.equal(outputs['mask_logits'][:, :, 0], expected[i][:, :, t])


@torch.no_grad()
def test_permuted_queries_give_permuted_outputs():
    head = build()
    features = clip_features()
    expected = head(features)
    order = torch.randperm(Q)
    head.query_feat.weight.copy_(head.query_feat.weight[order])
    for key, value in head(features).items():
        torch.testing.assert_close(value, expected[key][:, order], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_prediction_before_each_block_is_that_of_a_head_without_the_rest():
    head = build(propagation=None)
    features = clip_features()
    layers = head.forward_layers(features)
    assert len(layers) == 3
    torch.testing.assert_close(layers[-1], head(features))
    head.blocks = head.blocks[:1]
    head.attn_mask_probs = head.attn_mask_probs[:1]
    torch.testing.assert_close(layers[1], head(features))


@torch.no_grad()
def test_queries_attend_to_the_patches_inside_of_their_masks():
    head = build()
    logits = torch.full((1, Q, 4 * H, 4 * W), -1.0)
    logits[0, 3, :4, :4] = 1  # one patch
    num_tokens = Q + 2 + H * W
    attends = head._attention_mask(logits, num_tokens, (H, W), prob=1.0)
    assert attends.shape == (1, 1, num_tokens, num_tokens)
    rows, patches = attends[0, 0], slice(Q + 2, None)
    assert rows[:, : Q + 2].all()  # queries and other tokens are never masked
    assert rows[Q:].all()  # the others attend to everything
    assert rows[3, patches].nonzero().flatten().tolist() == [0]
    assert not rows[[0, 1, 2, 4], patches].any()
    free = head._attention_mask(logits, num_tokens, (H, W), prob=0.0)
    assert free.all()


@torch.no_grad()
def test_queries_are_masked_with_a_probability_each():
    head = build(num_queries=1000)
    torch.manual_seed(0)
    logits = torch.full((1, 1000, H, W), -1.0)
    attends = head._attention_mask(logits, 1000 + H * W, (H, W), prob=0.3)
    masked = ~attends[0, 0, :1000, 1000:]
    assert torch.equal(masked.all(1), masked.any(1))
    assert masked.any(1).float().mean().item() == pytest.approx(0.3, abs=0.05)


@torch.no_grad()
def test_masks_change_the_result_as_long_as_they_are_on():
    features = clip_features()
    free, masked = build()(features), build(attn_mask_prob=1.0)(features)
    assert not torch.allclose(free['cls_logits'], masked['cls_logits'])


def frames_reached(**changes):
    """Frames from which the last frame's prediction gets gradients."""
    features = clip_features(num_frames=7, requires_grad=True)
    outputs = build(**changes).train()(features)
    outputs['cls_logits'][:, :, 6].sum().backward()
    reached = features.maps[0].grad.abs().sum((0, 2, 3, 4)) > 0
    return reached.nonzero().flatten().tolist()


@pytest.mark.parametrize('propagation', ['linear', 'gru'])
def test_gradients_flow_through_all_frames_or_as_many_as_told(propagation):
    assert frames_reached(propagation=propagation) == [0, 1, 2, 3, 4, 5, 6]
    assert frames_reached(propagation=propagation, max_grad_frames=3) == [6]
    assert frames_reached(propagation=propagation, max_grad_frames=4) == [4, 5, 6]
    assert frames_reached(propagation=None) == [6]


@pytest.mark.parametrize('propagation', ['linear', 'gru', None])
def test_gradients_reach_all_weights_and_do_not_change_when_recomputed(propagation):
    grads = []
    for with_cp in (False, True):
        head = build(propagation=propagation, with_cp=with_cp).train()
        layers = head.forward_layers(clip_features())
        sum(x.square().mean() for layer in layers for x in layer.values()).backward()
        grads.append({name: p.grad for name, p in head.named_parameters()})
    for name, grad in grads[0].items():
        assert grad.abs().sum() > 0, name
        torch.testing.assert_close(grad, grads[1][name])


@torch.no_grad()
def test_rotary_positions_tell_patches_apart():
    head = build(position='rotary')
    features = clip_features()
    flipped = features.replace(maps=(features.maps[0].flip(-1),))
    outputs, mirrored = (head(f)['cls_logits'] for f in (features, flipped))
    assert not torch.allclose(outputs, mirrored)
    plain = build()
    outputs, mirrored = (plain(f)['cls_logits'] for f in (features, flipped))
    torch.testing.assert_close(outputs, mirrored)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(propagation='lstm'), r"propagation must be one of 'linear', 'gru', None"),
        (
            dict(position=None),
            r"position must be one of 'absolute', 'rotary', got None",
        ),
    ],
)
def test_wrong_values_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**changes)


@torch.no_grad()
def test_predictions_average_class_logits_and_leave_out_padding():
    head, features = build(), clip_features().replace(frame_sizes=((40, 96), (48, 80)))
    predictions, state = head.predict(features)
    outputs, queries = head.step(features)
    assert torch.equal(state, queries)
    for b, (rows, columns) in enumerate(((10, 24), (12, 20))):
        probs = outputs['cls_logits'][b].mean(1).softmax(-1)
        torch.testing.assert_close(predictions[b].cls_probs, probs)
        masks = outputs['mask_logits'][b, :, :, :rows, :columns]
        assert torch.equal(predictions[b].mask_logits, masks)
        assert predictions[b].query_inds.tolist() == list(range(Q))
