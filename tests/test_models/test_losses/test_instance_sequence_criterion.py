import pytest
import torch
from mmengine.registry import init_default_scope
from torch.nn import functional as F

from mmvis import memory_limits
from mmvis.registry import MODELS

B, N, T, K = 2, 3, 4, 3


@pytest.fixture
def build(sequence_criterion):
    def build(**changes):
        init_default_scope('mmvis')
        return MODELS.build(sequence_criterion | dict(num_classes=K) | changes)

    return build


def make_layers(num_clips=B, num_outputs=K + 1, seed=0):
    """Two decoder layers; only the last has masks."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(num_clips, N, T, *shape, generator=generator)

    layers = [
        dict(cls_logits=draw(num_outputs), bboxes_cxcywh=draw(4).sigmoid())
        for _ in range(2)
    ]
    layers[-1]['mask_logits'] = draw(10, 12)
    return layers


def test_terms(build, make_clip_sample):
    losses = build()(make_layers(), [make_clip_sample([0, 2]), make_clip_sample([1])])
    names = ['loss_cls', 'loss_bbox', 'loss_iou']
    assert list(losses) == [
        *(f'd0.{name}' for name in names),
        *names,
        'loss_mask',
        'loss_dice',
    ]
    assert all(value > 0 for value in losses.values())


def test_only_visible_frames_of_the_matched_instance_learn(build, make_clip_sample):
    """Sequence 2 is matched to instance 0, 0 to instance 1, which is absent once."""
    criterion = build()
    gt = criterion.prepare_targets(
        make_clip_sample([0, 2], absent=[(1, 3)]), torch.zeros(1)
    )
    sequences, gts = torch.tensor([0, 2]), torch.tensor([1, 0])
    pairs = criterion.pair_frames(sequences, gts, gt)
    assert pairs.sequences.tolist() == [0, 0, 0, 2, 2, 2, 2]
    assert pairs.gts.tolist() == [1, 1, 1, 0, 0, 0, 0]
    assert pairs.frames.tolist() == [0, 1, 2, 0, 1, 2, 3]
    assert pairs.labels.tolist() == [2, 2, 2, 0, 0, 0, 0]


def test_published_lookup_takes_frames_by_the_number_of_the_pair(
    build, make_clip_sample
):
    criterion = build(as_published=True, num_unused_classes=1)
    gt = criterion.prepare_targets(
        make_clip_sample([0, 2], absent=[(1, 3)]), torch.zeros(1)
    )
    pairs = criterion.pair_frames(torch.tensor([0, 2]), torch.tensor([1, 0]), gt)
    assert pairs.sequences.tolist() == [0, 0, 0, 0, 2, 2, 2]
    # Frame 3, where instance 1 is absent, is learned as the unused class.
    assert pairs.labels.tolist() == [2, 2, 2, K, 0, 0, 0]


def test_published_behaviour_needs_an_unused_class(build):
    with pytest.raises(ValueError, match=r'Set head.num_unused_classes=1'):
        build(as_published=True)


def test_values_by_hand(build, make_clip_sample):
    """One instance, absent in frame 1: its sequence learns three frames."""
    criterion = build()
    sample = make_clip_sample([2], absent=[(0, 1)])
    layers = make_layers(num_clips=1)[1:]
    layer = layers[0]
    gt = criterion.prepare_targets(sample, layer['mask_logits'])
    (query,), _ = criterion.match(layer['cls_logits'][0], layer['bboxes_cxcywh'][0], gt)
    losses = criterion(layers, [sample])
    frames = [0, 2, 3]
    given = layer['bboxes_cxcywh'][0, query, frames]
    l1 = (given - gt.bboxes_cxcywh[0, frames]).abs().sum() / 3
    assert losses['loss_bbox'].item() == pytest.approx(5 * l1.item(), rel=1e-5)
    probs = F.interpolate(
        layer['mask_logits'][0, query, frames][None], (40, 48), mode='bilinear'
    )[0].sigmoid()
    masks = gt.masks[0, frames]
    overlap, sizes = (probs * masks).sum((1, 2)), (probs + masks).sum((1, 2))
    dice = (1 - (2 * overlap + 1) / (sizes + 1)).mean()
    assert losses['loss_dice'].item() == pytest.approx(dice.item(), rel=1e-5)
    labels = torch.full((N, T), K)
    labels[query, frames] = 2
    weight = torch.tensor([1.0, 1.0, 1.0, 0.1])
    logits = layer['cls_logits'].flatten(0, 2)
    loss_cls = F.cross_entropy(logits, labels.flatten(), weight)
    assert losses['loss_cls'].item() == pytest.approx(loss_cls.item(), rel=1e-5)


def test_what_is_said_of_absent_frames_changes_no_box_or_mask_loss(
    build, make_clip_sample
):
    samples = [make_clip_sample([0, 1], absent=[(0, 2), (1, 2)])]
    layers = make_layers(num_clips=1)
    before = build()(layers, samples)
    for layer in layers:
        layer['bboxes_cxcywh'][:, :, 2] = 0.9
    layers[-1]['mask_logits'][:, :, 2] = 7.0
    after = build()(layers, samples)
    for name, value in before.items():
        torch.testing.assert_close(after[name], value)


def test_more_instances_than_queries(build, make_clip_sample):
    criterion = build()
    sample = make_clip_sample([0, 1, 2, 0, 1])
    layer = make_layers(num_clips=1)[-1]
    gt = criterion.prepare_targets(sample, layer['mask_logits'])
    sequences, gts = criterion.match(
        layer['cls_logits'][0], layer['bboxes_cxcywh'][0], gt
    )
    assert sequences.tolist() == [0, 1, 2]
    assert len(set(gts.tolist())) == 3
    losses = criterion([layer], [sample])
    assert all(value.isfinite() for value in losses.values())


def test_clips_without_instances(build, make_clip_sample):
    layers = make_layers()
    for layer in layers:
        for x in layer.values():
            x.requires_grad_()
    losses = build()(layers, [make_clip_sample([]), make_clip_sample([])])
    assert all(
        value == 0 for name, value in losses.items() if not name.endswith('loss_cls')
    )
    # DDP needs every parameter to have a gradient on every rank.
    sum(losses.values()).backward()
    assert all(x.grad is not None for layer in layers for x in layer.values())


@pytest.mark.parametrize('masks_at_once', [1, 5, 100])
def test_parts_of_any_size_give_the_same(
    build, make_clip_sample, masks_at_once, monkeypatch
):
    samples = [make_clip_sample([0, 2]), make_clip_sample([1])]
    results = []
    for at_once in (memory_limits.COMPARED_MASKS_AT_ONCE, masks_at_once):
        monkeypatch.setattr(memory_limits, 'COMPARED_MASKS_AT_ONCE', at_once)
        layers = make_layers()
        logits = layers[-1]['mask_logits'].requires_grad_()
        losses = build()(layers, samples)
        sum(losses.values()).backward()
        results.append((losses, logits.grad))
    torch.testing.assert_close(results[0], results[1])


def test_box_and_mask_losses_of_a_batch_are_means_over_visible_frames(
    build, make_clip_sample
):
    """Of clips with equally many frames, the mean over the batch."""
    samples = [make_clip_sample([0]), make_clip_sample([2])]
    layers = make_layers()
    both = build()(layers, samples)
    for name in ('d0.loss_bbox', 'loss_iou', 'loss_mask', 'loss_dice'):
        alone = [
            build()([{k: x[b : b + 1] for k, x in y.items()} for y in layers], [s])
            for b, s in enumerate(samples)
        ]
        mean = (alone[0][name] + alone[1][name]) / 2
        torch.testing.assert_close(both[name], mean)
