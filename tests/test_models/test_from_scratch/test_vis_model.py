import pytest
import torch
from mmengine.registry import init_default_scope

from mmvis.registry import MODELS

LAYER = dict(num_heads=2, feedforward_channels=16, dropout=0.0)
BACKBONE = dict(
    type='ResNet', depth=18, base_channels=4, stem_channels=4, out_indices=(1, 2, 3)
)
NECK = dict(
    type='MemoryTokenNeck',
    in_channels=[8, 16, 32],
    embed_dims=16,
    num_layers=1,
    layer=LAYER,
)
LOSSES = dict(
    loss_cls=dict(type='CrossEntropyLoss'),
    loss_mask=dict(type='FocalLoss'),
    loss_dice=dict(type='DiceLoss', naive_dice=True, eps=1.0),
)
HEAD = dict(
    type='IFCHead',
    num_classes=3,
    in_channels=[8, 16, 16],
    embed_dims=16,
    num_queries=5,
    decoder=dict(type='ClipDecoder', num_layers=1, layer=LAYER),
    num_groups=4,
    criterion=dict(
        type='ClipMaskCriterion',
        assigner=dict(
            type='ClipHungarianAssigner',
            match_costs=[dict(type='ClassificationCost')],
        ),
        **LOSSES,
    ),
)
AUXILIARY = dict(type='SemanticHead', num_classes=3, in_channels=[8, 16, 32])


def build(**changes):
    init_default_scope('mmvis')
    torch.manual_seed(0)
    cfg = dict(type='FromScratchVISModel', backbone=BACKBONE, neck=NECK, head=HEAD)
    return MODELS.build(cfg | changes).eval()


def test_auxiliary_head_adds_losses_in_training_only(make_clip_sample):
    samples = [make_clip_sample([0, 2]), make_clip_sample([1])]
    clips = torch.randn(2, 4, 3, 40, 48)
    plain, with_head = build(), build(auxiliary_head=AUXILIARY)
    assert set(with_head(clips)) == {'cls_logits', 'mask_logits'}
    expected = plain(clips, samples, mode='loss')
    losses = with_head(clips, samples, mode='loss')
    added = with_head.auxiliary_head.loss(
        with_head.extract_frame_feat(clips, samples), samples
    )
    expected |= {f'aux.{name}': value for name, value in added.items()}
    assert 'aux.loss_semantic' in expected
    torch.testing.assert_close(losses, expected)


def test_wrong_channels_fail_when_built():
    wrong = dict(AUXILIARY, in_channels=[8, 16, 16])
    message = r'SemanticHead was built for .* ResNet gives 3 levels with \[8, 16, 32\]'
    with pytest.raises(ValueError, match=message):
        build(auxiliary_head=wrong)


def test_it_needs_features_of_single_frames():
    channels = [8, 16, 40, 64]
    parts = dict(
        backbone=dict(type='MsgShifT', embed_dims=8, num_messenger_tokens=8),
        neck=None,
        head=dict(HEAD, in_channels=channels, embed_dims=64),
    )
    assert build(**parts).num_frame_stages == 0
    with pytest.raises(ValueError, match='MsgShifT mixes frames from the beginning'):
        build(**parts, auxiliary_head=dict(AUXILIARY, in_channels=channels))
