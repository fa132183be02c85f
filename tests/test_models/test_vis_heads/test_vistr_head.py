import pytest
import torch

from mmvis import memory_limits
from mmvis.models.vis_heads import VisTRHead

SHAPES = dict(
    cls_logits=(2, 5, 4, 4), bboxes_cxcywh=(2, 5, 4, 4), mask_logits=(2, 5, 4, 10, 12)
)


@torch.no_grad()
def test_outputs_have_the_axes_of_the_config(build_vistr_head, vistr_features):
    outputs = build_vistr_head()(vistr_features)
    assert {key: tuple(x.shape) for key, x in outputs.items()} == SHAPES
    assert 0 < outputs['bboxes_cxcywh'].min() < outputs['bboxes_cxcywh'].max() < 1


@torch.no_grad()
def test_last_layer_is_the_prediction(build_vistr_head, vistr_features):
    head = build_vistr_head()
    layers = head.forward_layers(vistr_features)
    assert [set(layer) for layer in layers] == [
        {'cls_logits', 'bboxes_cxcywh'},
        set(SHAPES),
    ]
    torch.testing.assert_close(layers[-1], head(vistr_features))


@torch.no_grad()
def test_batched_equals_single(build_vistr_head, vistr_features):
    head = build_vistr_head()
    both = head(vistr_features)
    single = vistr_features.replace(
        maps=tuple(m[1:] for m in vistr_features.maps),
        padding_masks=tuple(m[1:] for m in vistr_features.padding_masks),
    )
    for key, alone in head(single).items():
        torch.testing.assert_close(both[key][1:], alone, atol=1e-5, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize('maps_at_once', [1, 11, 1000])
def test_parts_of_any_size_give_the_same(
    build_vistr_head, vistr_features, maps_at_once, monkeypatch
):
    head = build_vistr_head()
    whole = head(vistr_features)
    monkeypatch.setattr(memory_limits, 'INSTANCE_MAPS_AT_ONCE', maps_at_once)
    parts = head(vistr_features)
    torch.testing.assert_close(parts, whole, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_repeated_frames_are_left_out(build_vistr_head, vistr_features):
    head = build_vistr_head()
    short = vistr_features.select_frames(0, 3).repeat_frames(4)
    whole = head(short.replace(num_repeats=0))
    for key, x in head(short).items():
        torch.testing.assert_close(x, whole[key][:, :, :3])


def test_recomputing_changes_no_gradient_and_all_learn(
    build_vistr_head, vistr_features, make_clip_sample
):
    samples = [make_clip_sample([0, 2]), make_clip_sample([1], absent=[(0, 1)])]
    grads = []
    for with_cp in (False, True):
        head = build_vistr_head(with_cp=with_cp).train()
        # Without deformation, offsets have no gradient at borders of pixels.
        torch.nn.init.normal_(head.mask_head.conv_offset.bias, std=0.1)
        sum(head.loss(vistr_features, samples).values()).backward()
        grads.append({n: p.grad for n, p in head.named_parameters()})
    assert not [name for name, grad in grads[0].items() if grad is None]
    # Query content is zero: in the beginning the first self-attention gives zeros.
    without = 'decoder.layers.0.self_attn.'
    silent = [n for n, g in grads[0].items() if not g.any()]
    assert [name for name in silent if not name.startswith(without)] == []
    torch.testing.assert_close(grads[0], grads[1], atol=1e-6, rtol=1e-4)


def test_mixed_precision_gives_about_the_same_losses(
    build_vistr_head, vistr_features, make_clip_sample
):
    samples = [make_clip_sample([0, 2]), make_clip_sample([1])]
    head = build_vistr_head().train()
    exact = head.loss(vistr_features, samples)
    with torch.autocast('cpu', torch.bfloat16):
        losses = head.loss(vistr_features, samples)
    sum(losses.values()).backward()
    for name, value in losses.items():
        assert value.dtype == torch.float32
        assert value.item() == pytest.approx(exact[name].item(), rel=0.05, abs=0.02)


def logits_of(classes, num_outputs):
    """Sure of these classes (N, T), each a bit less than sure."""
    logits = torch.zeros(*torch.tensor(classes).shape, num_outputs)
    return logits.scatter(2, torch.tensor(classes)[..., None], 6.0)


def test_prediction_is_the_vote_of_the_frames(build_vistr_head):
    head = build_vistr_head(num_unused_classes=1)
    # Classes 0 to 2, 3 is unused, 4 no-object.
    classes = [[1, 1, 2, 0], [2, 0, 0, 2], [3, 3, 3, 0], [0, 0, 1, 1]]
    mask_logits = torch.ones(4, 4, 2, 3)
    mask_logits[3] = -1  # without foreground
    prediction = head.join_frames(logits_of(classes, 5), mask_logits)
    assert len(prediction) == 2
    assert prediction.cls_probs[:, :-1].argmax(1).tolist() == [1, 0]
    score = logits_of([[0]], 5).softmax(-1).max().item()
    assert prediction.cls_probs.amax(1).tolist() == pytest.approx([score] * 2)
    torch.testing.assert_close(prediction.cls_probs.sum(1), torch.ones(2))


def test_frames_without_any_class_have_no_mask(build_vistr_head):
    head = build_vistr_head(min_frame_score=0.5)
    logits = logits_of([[1, 3, 1, 1]], 4)  # no-object in frame 1
    prediction = head.join_frames(logits, torch.ones(1, 4, 2, 3))
    has_mask = (prediction.mask_logits > 0).flatten(2).all(2)
    assert has_mask.tolist() == [[True, False, True, True]]


def test_mean_of_probabilities(build_vistr_head):
    head = build_vistr_head(type='FromScratchVisTRHead', num_unused_classes=1)
    logits = logits_of([[1, 4, 1, 2], [3, 3, 3, 1]], 5)
    prediction = head.join_frames(logits, torch.ones(2, 4, 2, 3))
    mean = logits[0].softmax(-1).mean(0)
    expected = torch.stack([mean[0], mean[1], mean[2], mean[3] + mean[4]])
    torch.testing.assert_close(prediction.cls_probs, expected[None])


def test_no_prediction_at_all(build_vistr_head, vistr_features):
    head = build_vistr_head()
    torch.nn.init.constant_(head.sequence_head.layers[-1].bias, -100.0)
    predictions, _ = head.predict(vistr_features)
    assert [len(p) for p in predictions] == [0, 0]
    assert predictions[0].mask_logits.shape == (0, 4, 10, 12)


def test_wrong_levels_are_named():
    with pytest.raises(ValueError, match=r'head.in_channels is \[6, 10\]'):
        VisTRHead(3, [6, 10], decoder=dict(type='ClipDecoder'), embed_dims=24)


def test_groups_that_do_not_fit_are_named(build_vistr_head):
    with pytest.raises(ValueError, match=r'\[28, 12, 6, 3\] channels'):
        build_vistr_head(num_groups=8)


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('type_', ['VisTRHead', 'FromScratchVisTRHead'])
def test_sequences_do_not_depend_on_rounding(build_vistr_head, type_, seed):
    """Classes as probable as an unused one; a mask that is nowhere above 0."""
    head = build_vistr_head(type=type_, num_unused_classes=1)
    cls_logits = torch.tensor([1.0, 0, 0, 1, 0]).expand(2, 4, -1).clone()
    head.min_frame_score = cls_logits.softmax(-1).max().item()
    cls_logits[..., 3 if seed % 2 else 0] += 1e-6 * (1 if seed < 2 else -1)
    cls_logits -= torch.tensor([1.0, 0, 0, 1, 0]) * 1e-6
    torch.manual_seed(seed)
    mask_logits = torch.ones(2, 4, 2, 3)
    mask_logits[1] = 2e-6 * (torch.rand(4, 2, 3) - 0.5)
    prediction = head.join_frames(cls_logits, mask_logits)
    assert prediction.query_inds.tolist() == [0]
    assert prediction.cls_probs[0, 0] == pytest.approx(head.min_frame_score, abs=1e-5)
    # Frames whose best class is as probable as asked for keep their masks.
    assert (prediction.mask_logits > 0).all()
