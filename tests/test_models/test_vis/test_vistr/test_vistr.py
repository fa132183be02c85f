"""A tiny VisTR on videos of any length."""

import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.registry import init_default_scope

from mmvis.registry import MODELS

BACKBONE = dict(
    type='ResNet', depth=18, base_channels=4, stem_channels=4, out_indices=(0, 1, 2)
)
LAYER = dict(num_heads=4, feedforward_channels=16)
NECK = dict(
    type='SpaceTimeEncoderNeck',
    in_channels=[4, 8, 16],
    embed_dims=24,
    num_layers=1,
    layer=LAYER,
)
MEMORY_NECK = dict(
    type='MemoryTokenNeck',
    in_channels=[4, 8, 16],
    embed_dims=24,
    num_memory_tokens=2,
    num_layers=1,
    layer=LAYER,
)
HEAD = dict(
    type='VisTRHead',
    num_classes=3,
    in_channels=[4, 8, 24],
    clip_len=4,
    num_instances=5,
    embed_dims=24,
    num_attention_maps=4,
    decoder=dict(type='ClipDecoder', num_layers=1, layer=LAYER, temporal_position=True),
    num_groups=1,
    num_sequence_groups=1,
)
SIZE = (40, 48)


def build(clip_len=4, clip_stride=2, merger='IFCClipMerger', **changes):
    init_default_scope('mmvis')
    torch.manual_seed(0)
    test_cfg = dict(
        clip_len=clip_len,
        clip_stride=clip_stride,
        multi_class=False,
        merger=dict(type=merger),
    )
    cfg = dict(type='VisTR', backbone=BACKBONE, neck=NECK, head=HEAD, test_cfg=test_cfg)
    model = MODELS.build(cfg | changes).eval()
    # So that every sequence has foreground somewhere.
    torch.nn.init.constant_(model.head.sequence_head.layers[-1].bias, 0.5)
    return model


def predict(model, frames, chunk_len):
    """Feed a video (L, 3, H, W) in chunks; its record."""
    video_len = len(frames)
    for start in range(0, video_len, chunk_len):
        frame_inds = range(start, min(start + chunk_len, video_len))
        sample = TrackDataSample()
        sample.video_data_samples = [
            DetDataSample(
                metainfo=dict(
                    img_shape=SIZE,
                    ori_shape=SIZE,
                    frame_id=t,
                    video_id=3,
                    video_len=video_len,
                )
            )
            for t in frame_inds
        ]
        (result,) = model.predict(frames[None, frame_inds], [sample])
    return result.pred_track_instances


def make_frames(video_len):
    generator = torch.Generator().manual_seed(5)
    return torch.randn(video_len, 3, *SIZE, generator=generator)


@pytest.mark.parametrize('video_len', [1, 3, 4, 5, 9, 14])
@pytest.mark.parametrize('merger', ['IFCClipMerger', 'TrackClipMerger'])
def test_every_frame_of_every_video_has_a_result(video_len, merger):
    tracks = predict(build(merger=merger), make_frames(video_len), chunk_len=4)
    assert len(tracks) > 0
    assert all(len(masks) == video_len for masks in tracks.masks)
    for t in range(video_len):
        assert any(masks[t] is not None for masks in tracks.masks)


def test_short_videos_repeat_their_frames_in_turn():
    model, frames = build(), make_frames(3)
    short = predict(model, frames, chunk_len=2)
    with torch.no_grad():
        outputs = model(frames[None, [0, 1, 2, 0]])
    expected = model.head.join_frames(
        outputs['cls_logits'][0, :, :3], outputs['mask_logits'][0, :, :3]
    )
    torch.testing.assert_close(short.scores, expected.cls_probs[:, :-1].amax(1))
    assert all(len(masks) == 3 for masks in short.masks)


@pytest.mark.parametrize(
    ('clip_len', 'message'),
    [(6, r'test_cfg.clip_len is 6'), (None, r'test_cfg.max_offline_frames is 100')],
)
def test_clips_at_test_time_must_fit_the_head(clip_len, message):
    with pytest.raises(ValueError, match=rf'head.clip_len=4 frames, but {message}'):
        build(clip_len=clip_len)


def test_longer_clips_are_named():
    with pytest.raises(ValueError, match=r'head.clip_len=4 frames, got 5'):
        build()(torch.randn(1, 5, 3, *SIZE))


@torch.no_grad()
def test_works_on_memory_tokens_instead_of_all_cells():
    """IFC's encoder before VisTR's head: any neck that gives encoded maps will do."""
    outputs = build(neck=MEMORY_NECK)(torch.randn(2, 3, 3, *SIZE))
    assert outputs['mask_logits'].shape == (2, 5, 3, 10, 12)


def test_training_on_short_clips(make_clip_sample, sequence_criterion):
    model = build(head=dict(HEAD, criterion=sequence_criterion)).train()
    samples = [make_clip_sample([0, 2], num_frames=3)]
    losses = model(torch.randn(1, 3, 3, *SIZE), samples, mode='loss')
    sum(losses.values()).backward()
    parts = (model.necks, model.head)  # of the backbone, layer4 is not used
    assert all(p.grad is not None for part in parts for p in part.parameters())
