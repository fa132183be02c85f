import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.registry import init_default_scope

from mmvis.registry import MODELS

init_default_scope('mmvis')
BACKBONE = dict(
    type='ResNet', depth=18, base_channels=4, stem_channels=4, out_indices=(1, 2, 3)
)
NECK = dict(
    type='MemoryTokenNeck',
    in_channels=[8, 16, 32],
    embed_dims=16,
    num_layers=1,
    num_heads=2,
    feedforward_channels=16,
)
HEAD = dict(
    type='IFCHead',
    num_classes=3,
    in_channels=[8, 16, 16],
    embed_dims=16,
    num_queries=5,
    num_decoder_layers=2,
    num_heads=2,
    feedforward_channels=16,
    num_groups=4,
)


def build(**changes):
    torch.manual_seed(0)
    cfg = dict(type='IFC', backbone=BACKBONE, neck=NECK, head=HEAD)
    return MODELS.build(cfg | changes).eval()


def make_samples(*sizes, num_frames=3):
    samples = []
    for size in sizes:
        sample = TrackDataSample()
        sample.video_data_samples = [
            DetDataSample(metainfo=dict(img_shape=size)) for _ in range(num_frames)
        ]
        samples.append(sample)
    return samples


def test_outputs_of_tensor_mode():
    outputs = build()(torch.randn(2, 3, 3, 40, 70))
    assert outputs['cls_logits'].shape == (2, 5, 4)
    assert outputs['mask_logits'].shape == (2, 5, 3, 5, 9)


def test_strides_and_padding_masks():
    model = build()
    inputs = torch.randn(2, 3, 3, 40, 70)
    features = model.extract_frame_feat(inputs, make_samples((40, 70), (33, 50)))
    assert features.feat_strides == (8, 16, 32)
    sizes = [(5, 9), (3, 5), (2, 3)]
    assert [m.shape[-2:] for m in features.maps] == sizes
    assert [m.shape[-2:] for m in features.padding_masks] == sizes
    assert not any(m[0].any() for m in features.padding_masks)
    # ceil(33 / 8) rows and ceil(50 / 8) columns are the frame's
    expected = torch.ones(3, 5, 9, dtype=torch.bool)
    expected[:, :5, :7] = False
    assert torch.equal(features.padding_masks[0][1], expected)


def test_a_batch_equals_its_clips():
    """Also for a clip that is padded to the size of the other."""
    model = build()
    a, b = torch.randn(1, 3, 3, 64, 96), torch.randn(1, 3, 3, 64, 96)
    both = model(torch.cat([a, b]))
    for i, clip in enumerate((a, b)):
        for name, value in model(clip).items():
            torch.testing.assert_close(both[name][i : i + 1], value)


def test_frame_features_do_not_depend_on_the_clip():
    model = build()
    inputs = torch.randn(1, 4, 3, 40, 70)
    whole = model.extract_frame_feat(inputs)
    part = model.extract_frame_feat(inputs[:, 1:3])
    for m, p in zip(whole.maps, part.maps):
        torch.testing.assert_close(m[:, 1:3], p)


def test_neck_of_mmdetection_before_memory_tokens():
    fpn = dict(type='FPN', in_channels=[8, 16, 32], out_channels=16, num_outs=4)
    neck = dict(NECK, in_channels=[16] * 4)
    head = dict(HEAD, in_channels=[16] * 4)
    model = build(neck=[fpn, neck], head=head)
    assert model.num_frame_stages == 2
    outputs = model(torch.randn(1, 2, 3, 64, 64))
    assert outputs['mask_logits'].shape == (1, 5, 2, 4, 4)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            dict(neck=dict(NECK, in_channels=[8, 16, 64])),
            r'MemoryTokenNeck was built for in_channels=\[8, 16, 64\], but '
            r'ResNet gives 3 levels with \[8, 16, 32\]',
        ),
        (
            dict(
                neck=dict(
                    type='ChannelMapper', in_channels=[8, 16, 64], out_channels=16
                ),
            ),
            r'ChannelMapper was built for in_channels=\[8, 16, 64\], but '
            r'ResNet gives 3 levels with \[8, 16, 32\]',
        ),
        (
            dict(head=dict(HEAD, in_channels=[4, 16, 16])),
            r'IFCHead was built for in_channels=\[4, 16, 16\], but '
            r'MemoryTokenNeck gives 3 levels with \[8, 16, 16\]',
        ),
        (dict(head=dict(HEAD, in_channels=[8, 16, 32])), 'embed_dims=16'),
        (dict(neck=None), r'ResNet gives 3 levels'),
    ],
)
def test_wrong_channels_fail_when_built(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**changes)


def test_wrong_calls():
    model = build()
    with pytest.raises(ValueError, match=r'shape \(B, T, 3, H, W\)'):
        model(torch.randn(3, 3, 40, 70))
    with pytest.raises(ValueError, match="'tensor', 'loss' or 'predict'"):
        model(torch.randn(1, 3, 3, 40, 70), mode='train')
    with pytest.raises(ValueError, match='one at a time'):
        model(torch.randn(2, 3, 3, 40, 70), make_samples((40, 70)) * 2, mode='predict')


def test_test_cfg_is_checked_when_built():
    with pytest.raises(ValueError, match=r'model\.test_cfg\.clip_len'):
        build(test_cfg=dict(clip_len=0))


def test_auxiliary_head_adds_losses_in_training_only():
    head = dict(type='SemanticHead', num_classes=3, in_channels=[8, 16, 32])
    model = build(auxiliary_head=head)
    assert set(model(torch.randn(1, 2, 3, 32, 32))) == {'cls_logits', 'mask_logits'}
    wrong = dict(head, in_channels=[8, 16, 16])
    with pytest.raises(ValueError, match='SemanticHead was built for'):
        build(auxiliary_head=wrong)


def test_auxiliary_head_needs_features_of_single_frames():
    backbone = dict(type='MsgShifT', embed_dims=8, num_messenger_tokens=8)
    channels = [8, 16, 40, 64]
    parts = dict(
        backbone=backbone,
        neck=None,
        head=dict(HEAD, in_channels=channels, embed_dims=64),
    )
    assert build(**parts).num_frame_stages == 0
    auxiliary = dict(type='SemanticHead', num_classes=3, in_channels=channels)
    with pytest.raises(ValueError, match='MsgShifT lets frames meet from the begin'):
        build(**parts, auxiliary_head=auxiliary)
