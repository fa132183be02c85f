import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample

from mmvis import memory_limits
from mmvis.inference import TestCfg
from mmvis.registry import MODELS

pytestmark = pytest.mark.usefixtures('mmvis_scope')
BACKBONE = dict(
    type='ResNet', depth=18, base_channels=4, stem_channels=4, out_indices=(1, 2, 3)
)
LAYER = dict(num_heads=2, feedforward_channels=16)
NECK = dict(
    type='MemoryTokenNeck',
    in_channels=[8, 16, 32],
    embed_dims=16,
    num_layers=1,
    layer=LAYER,
)
HEAD = dict(
    type='IFCHead',
    num_classes=3,
    in_channels=[8, 16, 16],
    embed_dims=16,
    num_queries=5,
    decoder=dict(type='ClipDecoder', num_layers=2, layer=LAYER),
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


def test_loss_of_a_head_without_criterion():
    samples = make_samples((40, 70))
    with pytest.raises(ValueError, match=r'`model\.head\.criterion` is None'):
        build().loss(torch.randn(1, 3, 3, 40, 70), samples)


def test_outputs_of_tensor_mode():
    outputs = build()(torch.randn(2, 3, 3, 40, 70))
    assert outputs['cls_logits'].shape == (2, 5, 4)
    assert outputs['mask_logits'].shape == (2, 5, 3, 5, 9)


@torch.no_grad()
def test_some_frames_at_a_time_pass_through_the_backbone(monkeypatch):
    """And change nothing; with gradients all frames pass together."""
    model = build()
    inputs = torch.randn(1, 5, 3, 40, 70)
    expected = model.extract_frame_feat(inputs)
    sizes = []
    model.backbone.register_forward_hook(
        lambda m, args, out: sizes.append(len(args[0]))
    )
    monkeypatch.setattr(memory_limits, 'PIXELS_AT_ONCE', 2 * 40 * 70)
    parted = model.extract_frame_feat(inputs)
    assert sizes == [2, 2, 1]
    for x, y in zip(parted.maps, expected.maps, strict=True):
        torch.testing.assert_close(x, y, atol=1e-6, rtol=1e-5)
    monkeypatch.setattr(memory_limits, 'PIXELS_AT_ONCE', 1)  # at least one frame
    model.extract_frame_feat(inputs)
    with torch.enable_grad():
        model.extract_frame_feat(inputs)
    assert sizes == [2, 2, 1, 1, 1, 1, 1, 1, 5]


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


MESSENGER_NECK = dict(
    type='MessengerTokenNeck',
    in_channels=[8, 16, 32],
    embed_dims=16,
    num_messenger_tokens=4,
    num_layers=3,
    layer=LAYER,
)
FPN = dict(type='FPN', in_channels=[8, 16, 16], out_channels=16, num_outs=3)


@torch.no_grad()
@pytest.mark.parametrize(
    ('changes', 'prepared'),
    [
        (dict(), {-1, -2, -3}),
        (dict(neck=MESSENGER_NECK), {-1, -2, -3}),
        (dict(neck=[NECK, dict(NECK, in_channels=[8, 16, 16])]), {-1, -2, -3}),
        # FPN reads the finer levels before the head does.
        (
            dict(neck=[NECK, FPN], head=dict(HEAD, in_channels=[16] * 3)),
            {-1},
        ),
    ],
)
def test_work_on_frames_is_done_before_the_clip(changes, prepared):
    model = build(**changes)
    inputs, samples = torch.randn(2, 3, 3, 40, 70), make_samples((40, 70), (33, 50))
    expected = model(inputs, samples)
    features = model.encode_frames(inputs, samples)
    assert features.prepared == prepared
    outputs = model.head(model.encode_clip(features))
    for name, value in expected.items():
        torch.testing.assert_close(outputs[name], value, atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_layers_that_see_single_frames_run_once_a_frame(seeing_model):
    """Whatever the overlap of clips."""
    model, counts = seeing_model, {}
    layers = dict(
        backbone=model.backbone,
        input_proj=model.necks[0].input_proj,
        first_layer=model.necks[0].frame_layers[0],
        lateral_0=model.head.mask_features.lateral_convs[0],
        lateral_1=model.head.mask_features.lateral_convs[1],
    )
    for name, layer in layers.items():

        def count(module, args, out, name=name):
            counts[name] = counts.get(name, 0) + len(args[0])

        layer.register_forward_hook(count)
    clips = []
    model.head.decoder.register_forward_hook(lambda m, args, out: clips.append(1))
    for start in range(0, 9, 2):
        model.predict(*frames_of(1, range(start, min(start + 2, 9)), 9))
    assert counts == dict.fromkeys(layers, 9)
    assert len(clips) == 7  # of 3 frames


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
    with pytest.raises(TypeError, match=r'got a list\. In a config, set model'):
        model([torch.randn(3, 3, 40, 70)], mode='loss')
    with pytest.raises(ValueError, match='one at a time'):
        model(torch.randn(2, 3, 3, 40, 70), make_samples((40, 70)) * 2, mode='predict')


def test_test_cfg_is_checked_when_built():
    with pytest.raises(ValueError, match=r'model\.test_cfg\.clip_len'):
        build(test_cfg=dict(clip_len=0))


def frames_of(video_id, frame_inds, video_len):
    """A chunk of a video of noise: inputs and data samples."""
    generator = torch.Generator().manual_seed(video_id)
    video = torch.randn(1, video_len, 3, 40, 70, generator=generator)
    sample = TrackDataSample()
    sample.video_data_samples = [
        DetDataSample(
            metainfo=dict(
                img_shape=(40, 70),
                ori_shape=(20, 35),
                frame_id=frame,
                video_id=video_id,
                video_len=video_len,
            )
        )
        for frame in frame_inds
    ]
    return video[:, list(frame_inds)], [sample]


@pytest.fixture
def seeing_model():
    """Prefers objects to no-object, so that there are tracks."""
    model = build(test_cfg=dict(clip_len=3, score_thr=0.1))
    model.head.class_embed.layers[1].bias.data[-1] -= 3
    return model


def assert_same_record(a, b):
    assert len(a) > 0
    assert a.instances_id.tolist() == b.instances_id.tolist()
    assert a.masks == b.masks
    torch.testing.assert_close(a.scores, b.scores, rtol=0, atol=1e-6)


def test_videos_may_take_turns(seeing_model):
    """With open_stream, and chunk by chunk as in MMEngine's loops."""
    model, chunks = seeing_model, [range(2), range(2, 5)]
    alone = {}
    for video_id in (1, 2):
        for chunk in chunks:
            (result,) = model.predict(*frames_of(video_id, chunk, 5))
        alone[video_id] = result.pred_track_instances
    assert alone[1].masks != alone[2].masks

    streams = {i: model.open_stream((20, 35)) for i in (1, 2)}
    for chunk in chunks:
        for video_id, stream in streams.items():
            stream.push(*frames_of(video_id, chunk, 5))
            (result,) = model.predict(*frames_of(video_id, chunk, 5))
            if chunk[-1] == 4:
                assert_same_record(result.pred_track_instances, alone[video_id])
    for video_id, stream in streams.items():
        stream.end()
        assert_same_record(stream.record(), alone[video_id])


def test_interrupted_video_leaves_no_file(seeing_model):
    model = seeing_model
    (expected,) = model.predict(*frames_of(1, range(4), 4))
    (result,) = model.predict(*frames_of(1, range(3), 4))
    assert 'pred_track_instances' not in result
    (result,) = model.predict(*frames_of(1, range(4), 4))
    assert_same_record(result.pred_track_instances, expected.pred_track_instances)


def test_a_video_that_begins_in_the_middle_is_refused(seeing_model):
    with pytest.raises(ValueError, match='that the model must see is 0'):
        seeing_model.predict(*frames_of(1, range(2, 4), 4))


def test_state_of_the_head_goes_through_predict_clip(seeing_model, monkeypatch):
    model, states = seeing_model, []
    predict = model.head.predict

    def predict_and_count(features, state):
        states.append(state)
        predictions, _ = predict(features)
        return predictions, len(states)

    monkeypatch.setattr(model.head, 'predict', predict_and_count)
    model.predict(*frames_of(1, range(5), 5))
    assert states == [None, 1, 2]
    model.predict(*frames_of(2, range(5), 5))
    assert states == [None, 1, 2, None, 4, 5]
    features = model.extract_frame_feat(*frames_of(1, range(3), 3))
    _, state = model.predict_clip(features)
    assert (states[-1], state) == (None, 7)


def test_queries_of_ifc_can_be_tracks(seeing_model):
    """Where frames look alike, a query finds its object again without matching."""
    model = seeing_model
    model.test_cfg = TestCfg(
        clip_len=3, score_thr=0.1, merger=dict(type='QueryIndexMerger')
    )
    inputs, samples = frames_of(1, range(6), 6)
    inputs = inputs[:, :1].expand(-1, 6, -1, -1, -1)
    (result,) = model.predict(inputs, samples)
    tracks = result.pred_track_instances
    features = model.extract_frame_feat(inputs[:, :3], samples)
    prediction, _ = model.predict_clip(features)
    assert sorted(set(tracks.instances_id.tolist())) == prediction.query_inds.tolist()
    for track_id, label, score in zip(
        tracks.instances_id.tolist(), tracks.labels.tolist(), tracks.scores
    ):
        n = prediction.query_inds.tolist().index(track_id)
        torch.testing.assert_close(score, prediction.cls_probs[n, label])
