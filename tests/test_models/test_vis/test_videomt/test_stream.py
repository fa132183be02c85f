"""VidEoMT on videos: streams of frames, with the queries as their state."""

from dataclasses import replace

import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample

from mmvis.inference import VideoStream
from mmvis.registry import MODELS
from mmvis.testing import videomt_cfg

NUM_FRAMES, SIZE, ORI_SHAPE = 6, (44, 58), (88, 116)
TEST_CFG = dict(
    clip_len=1,
    merger=dict(type='QueryIndexMerger', average_logits=True),
    score_thr=0.0,
    max_per_video=10,
)


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    model = MODELS.build(videomt_cfg() | dict(test_cfg=TEST_CFG)).eval()
    for p in model.parameters():
        if p.dim() == 2:
            torch.nn.init.normal_(p, std=0.2)
    model.head.attn_mask_probs.zero_()
    return model


@pytest.fixture(scope='module')
def videos():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, NUM_FRAMES, 3, *SIZE, generator=generator)


def sample_of(frame_inds, **meta):
    sample = TrackDataSample()
    sample.video_data_samples = [
        DetDataSample(metainfo=dict(frame_id=t, img_shape=SIZE, **meta))
        for t in frame_inds
    ]
    return [sample]


def push(stream, video, start, stop):
    return stream.push(video[None, start:stop], sample_of(range(start, stop)))


def run(model, video, pieces=(NUM_FRAMES,)):
    stream = model.open_stream(ORI_SHAPE)
    frames, start = [], 0
    for num_frames in pieces:
        frames += push(stream, video, start, start + num_frames)
        start += num_frames
    frames += stream.end()
    return frames, stream.record()


def assert_equal(record, expected):
    assert record.instances_id.tolist() == expected.instances_id.tolist()
    assert record.labels.tolist() == expected.labels.tolist()
    torch.testing.assert_close(record.scores, expected.scores)
    assert record.masks == expected.masks


@pytest.mark.parametrize('pieces', [(1,) * NUM_FRAMES, (4, 2), (1, 5)])
def test_pieces_of_any_size_give_the_same_record(model, videos, pieces):
    _, expected = run(model, videos[0])
    _, record = run(model, videos[0], pieces)
    assert_equal(record, expected)


def test_frames_are_final_at_once(model, videos):
    stream = model.open_stream(ORI_SHAPE, keep_record=False)
    for t in range(NUM_FRAMES):
        (frame,) = push(stream, videos[0], t, t + 1)
        assert frame.frame_id == t
        assert frame.track_ids == list(range(7))  # the queries


def test_record_holds_the_ten_best_pairs_of_averaged_logits(model, videos):
    _, record = run(model, videos[0])
    with torch.no_grad():
        logits = model(videos[:1])['cls_logits'][0].mean(1)
    probs = logits.softmax(-1)[:, :-1].flatten()
    best = probs.topk(10)
    expected = {
        (i // 5, i % 5): s for i, s in zip(best.indices.tolist(), best.values.tolist())
    }
    pairs = zip(record.instances_id.tolist(), record.labels.tolist())
    assert dict(zip(pairs, record.scores.tolist())) == pytest.approx(expected, rel=1e-5)


def test_record_is_exact_though_only_what_looks_like_a_row_is_encoded(model, videos):
    model_cfg = replace(model.test_cfg, max_per_video=2)
    stream = VideoStream(model, model_cfg, ori_shape=ORI_SHAPE)
    frames = push(stream, videos[0], 0, NUM_FRAMES)
    stream.end()
    assert [len(frame._encoded) for frame in frames] == [2] * NUM_FRAMES
    assert {*frames[0]._encoded} != {*frames[-1]._encoded}
    record = stream.record()
    for track_id, masks in zip(record.instances_id.tolist(), record.masks):
        assert masks == [frame.rles[track_id] for frame in frames]


def test_videos_in_turn_do_not_meet(model, videos):
    expected = [run(model, video)[1] for video in videos]
    streams = [model.open_stream(ORI_SHAPE) for _ in videos]
    for t in range(NUM_FRAMES):
        for stream, video in zip(streams, videos):
            push(stream, video, t, t + 1)
    for stream, record in zip(streams, expected):
        stream.end()
        assert_equal(stream.record(), record)
    assert expected[0].masks != expected[1].masks


def test_test_loop_resets_the_state_for_each_video(model, videos):
    _, expected = run(model, videos[0])
    for video_id in (3, 4):
        for start, stop in ((0, 4), (4, NUM_FRAMES)):
            meta = dict(video_id=video_id, video_len=NUM_FRAMES, ori_shape=ORI_SHAPE)
            samples = sample_of(range(start, stop), **meta)
            (result,) = model(videos[:1, start:stop], samples, mode='predict')
        assert_equal(result.pred_track_instances, expected)


def test_a_frame_depends_on_its_past(model, videos):
    whole, _ = run(model, videos[0])
    alone = model.open_stream(ORI_SHAPE, keep_record=False)
    (frame,) = alone.push(videos[None, 0, 3:4], sample_of([0]))
    assert frame.rles != whole[3].rles


def test_training_and_inference_see_the_same_network(model, videos):
    """Deep supervision reads what a test computes, in a batch and per frame."""
    with torch.no_grad():
        layers = model.head.forward_layers(model.extract_feat(videos))
        alone = model(videos[1:])
    for key, value in alone.items():
        torch.testing.assert_close(layers[-1][key][1:], value, atol=1e-4, rtol=1e-4)
