import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pycocotools import mask as mask_util
from torch import nn

from mmvis.inference.clip_mergers import IFCClipMerger
from mmvis.inference.test_cfg import TestCfg
from mmvis.inference.video_stream import VideoStream
from mmvis.structures import ClipFeatures, ClipPrediction
from mmvis.testing import find_golden

SIZE = (21, 34)


class TinyClipModel(nn.Module):
    """A model whose masks depend on all frames of a clip, with 3 classes."""

    def __init__(self, num_queries=4, channels=3):
        super().__init__()
        torch.manual_seed(1)
        self.kernels = nn.Parameter(torch.randn(num_queries, channels) * 2)
        self.classes = nn.Linear(channels, 4)

    def forward(self, features):
        maps = features.maps[0][0]  # (T, C, h, w)
        context = maps.mean((0, 2, 3))
        logits = torch.einsum('qc,tchw->qthw', self.kernels + context, maps)
        cls_probs = self.classes(self.kernels + context).softmax(-1)
        visible = logits.amax((1, 2, 3)) > 3
        return ClipPrediction(cls_probs[visible], logits[visible])


def frame_features(frame_inds, h=5, w=7):
    """Smooth features that move with the frame index; each frame by itself."""
    maps = []
    ys = torch.arange(h).float()[:, None]
    xs = torch.arange(w).float()[None]
    for f in frame_inds:
        maps.append(
            torch.stack(
                [
                    torch.sin(ys * 0.7 + 0.3 * f) + torch.cos(xs * 0.5),
                    torch.cos(ys * 0.4 - xs * 0.6 + 0.2 * f),
                    torch.sin(xs * 0.8 + 0.5 * f) + 0 * ys,
                ]
            )
        )
    maps = torch.stack(maps)[None]  # (1, t, 3, h, w)
    mask = torch.zeros(1, len(frame_inds), h, w, dtype=torch.bool)
    return ClipFeatures((maps,), (8,), (mask,))


@torch.no_grad()
def run_stream(cfg, video_len, chunk_len, model=None, size=SIZE):
    model = TinyClipModel() if model is None else model
    stream = VideoStream(model, TestCfg.from_dict(cfg), video_len, size)
    for start in range(0, video_len, chunk_len):
        chunk = list(range(start, min(start + chunk_len, video_len)))
        chunk = [chunk[i] for i in stream.wanted_frames(chunk)]
        if chunk:
            stream.push(frame_features(chunk), chunk)
    return stream.finish()


@torch.no_grad()
def run_without_streaming(video_len, clip_len, clip_stride, size=SIZE):
    """All clips first, then all masks: what the stream must reproduce."""
    model, merger = TinyClipModel(), IFCClipMerger()
    features = frame_features(range(video_len))
    starts = list(range(0, video_len, clip_stride))
    starts = [s for s in starts if s + clip_len < video_len]
    starts.append(max(video_len - clip_len, 0))
    for start in starts:
        stop = min(start + clip_len, video_len)
        merger.update(range(start, stop), model(features.select_frames(start, stop)))
    masks = np.zeros((merger.num_tracks, video_len, *size), dtype=bool)
    for frame in merger.pop_final(None):
        if frame.slots:
            resized = F.interpolate(frame.mask_logits[None], size, mode='bilinear')
            masks[frame.slots, frame.frame_id] = resized[0].numpy() > 0
    return merger.cls_probs(), masks


def decode(record, row, size=SIZE):
    masks = record.masks[row]
    empty = np.zeros(size, dtype=bool)
    return np.stack(
        [empty if m is None else mask_util.decode(m).astype(bool) for m in masks]
    )


def assert_same_record(a, b):
    torch.testing.assert_close(a.scores, b.scores)
    assert a.labels.tolist() == b.labels.tolist()
    assert a.instances_id.tolist() == b.instances_id.tolist()
    assert a.masks == b.masks


@pytest.mark.parametrize(
    ('video_len', 'clip_len', 'clip_stride'),
    [(12, 5, 1), (12, 5, 3), (11, 4, 4), (3, 5, 2), (1, 5, 1), (6, 1, 1), (7, 7, 1)],
)
def test_stream_equals_inference_with_the_whole_video_at_hand(
    video_len, clip_len, clip_stride
):
    cfg = dict(clip_len=clip_len, clip_stride=clip_stride)
    record = run_stream(cfg, video_len, chunk_len=4)
    cls_probs, masks = run_without_streaming(video_len, clip_len, clip_stride)
    slots, labels = (cls_probs[:, :-1] > 0.01).nonzero(as_tuple=True)
    assert len(record) > 0
    assert record.instances_id.tolist() == slots.tolist()
    assert record.labels.tolist() == labels.tolist()
    torch.testing.assert_close(record.scores, cls_probs[slots, labels])
    for row in range(len(record)):
        np.testing.assert_array_equal(decode(record, row), masks[slots[row]])
    assert any(masks[s].any() for s in slots)


@pytest.mark.parametrize('cfg', [dict(clip_len=5, clip_stride=2), dict(clip_len=None)])
@pytest.mark.parametrize('chunk_len', [1, 3, 8])
def test_result_does_not_depend_on_the_pieces(cfg, chunk_len):
    whole = run_stream(cfg, 13, chunk_len=13)
    assert_same_record(run_stream(cfg, 13, chunk_len=chunk_len), whole)


def test_offline_is_a_clip_of_the_whole_video():
    offline = run_stream(dict(clip_len=None), 9, chunk_len=4)
    assert_same_record(offline, run_stream(dict(clip_len=9), 9, chunk_len=4))


def test_offline_falls_back_to_clips_on_long_videos():
    cfg = dict(clip_len=None, max_offline_frames=4)
    record = run_stream(cfg, 11, chunk_len=4)
    assert_same_record(
        record, run_stream(dict(clip_len=4, clip_stride=2), 11, chunk_len=4)
    )


def test_every_frame_once_whatever_the_overlap():
    """Features are selected from the cache, in order, for every clip."""
    seen = []

    def predict_clip(features):
        seen.append(features.maps[0][0, :, 0, 0, 0].tolist())
        return ClipPrediction(torch.zeros(0, 4), torch.zeros(0, 3, 5, 7))

    cfg = TestCfg(clip_len=3, clip_stride=2)
    stream = VideoStream(predict_clip, cfg, 8, SIZE)
    values = frame_features(range(8)).maps[0][0, :, 0, 0, 0].tolist()
    for start in (0, 3, 6):
        frames = list(range(start, min(start + 3, 8)))
        stream.push(frame_features(frames), frames)
    record = stream.finish()
    assert seen == [values[0:3], values[2:5], values[4:7], values[5:8]]
    assert len(record) == 0
    assert record.masks == []


def test_clips_run_as_soon_as_they_are_complete():
    calls = []

    def predict_clip(features):
        calls.append(features.num_frames)
        return ClipPrediction(torch.zeros(0, 4), torch.zeros(0, 3, 5, 7))

    stream = VideoStream(predict_clip, TestCfg(clip_len=3), 5, SIZE)
    counts = []
    for frame in range(5):
        stream.push(frame_features([frame]), [frame])
        counts.append(len(calls))
    assert counts == [0, 0, 1, 2, 3]


class PlannedMasks(nn.Module):
    """One clip's masks, frame by frame; ``None`` leaves a frame negative."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits  # (N, T, h, w)

    def forward(self, features):
        cls_probs = torch.tensor([[0.9, 0.05, 0.05]]).repeat(len(self.logits), 1)
        assert features.num_frames == self.logits.shape[1]
        return ClipPrediction(cls_probs, self.logits)


def test_frames_between_seen_ones_get_interpolated_logits():
    torch.manual_seed(3)
    logits = torch.randn(2, 4, 5, 7)  # seen frames 0, 3, 6, 7 of 8
    cfg = dict(clip_len=None, frame_stride=3, score_thr=0.5)
    record = run_stream(cfg, 8, chunk_len=2, model=PlannedMasks(logits))
    assert record.instances_id.tolist() == [0, 1]
    seen = [0, 3, 6, 7]
    for row in range(2):
        masks = decode(record, row)
        for frame in range(8):
            per_pixel = [
                np.interp(frame, seen, series)
                for series in logits[row].flatten(1).T.numpy()
            ]
            at_frame = torch.tensor(per_pixel).reshape(1, 1, 5, 7)
            expected = F.interpolate(at_frame, SIZE, mode='bilinear')[0, 0] > 0
            np.testing.assert_array_equal(masks[frame], expected.numpy())


def test_track_missing_in_one_neighbour_keeps_its_mask_for_half_of_the_way():
    """Clips (0, 4) and (8, 12): each track lives in one of them."""
    box_a, box_b = torch.full((2, 1, 2, 4, 4), -5.0)
    box_a[..., :2, :2] = 5
    box_b[..., 2:, 2:] = 5
    planned = iter([box_a, box_b])

    def predict_clip(features):
        return ClipPrediction(torch.tensor([[0.9, 0.1]]), next(planned))

    cfg = dict(clip_len=2, clip_stride=2, frame_stride=4)
    record = run_stream(cfg, 13, chunk_len=5, model=predict_clip, size=(4, 4))
    present = [[m is not None for m in masks] for masks in record.masks]
    # Frames 5 and 6 are at most as far from frame 4 as from frame 8, 6 is both.
    assert present[0] == [True] * 7 + [False] * 6
    assert present[1] == [False] * 6 + [True] * 7


@pytest.mark.parametrize('frame_stride', [1, 2, 3, 7, 50])
@pytest.mark.parametrize('video_len', [1, 2, 9])
def test_every_frame_has_a_result(frame_stride, video_len):
    logits = torch.full((1, 50, 5, 7), 4.0)

    def predict_clip(features):
        return ClipPrediction(
            torch.tensor([[0.9, 0.1]]), logits[:, : features.num_frames]
        )

    cfg = dict(clip_len=3, clip_stride=2, frame_stride=frame_stride)
    record = run_stream(cfg, video_len, chunk_len=4, model=predict_clip)
    assert decode(record, 0).all()
    assert len(record.masks[0]) == video_len


def load_golden(name):
    return np.load(find_golden(f'ifc/merge_{name}.npz'))


def run_golden(golden, multi_class):
    clips = iter(range(int(golden['num_clips'])))

    def predict_clip(features):
        k = next(clips)
        assert features.num_frames == len(golden[f'clip{k}/frame_idx'])
        return ClipPrediction(
            torch.from_numpy(golden[f'clip{k}/cls_probs']),
            torch.from_numpy(golden[f'clip{k}/mask_logits']).float(),
        )

    cfg = dict(
        clip_len=int(golden['window']),
        clip_stride=int(golden['stride']),
        multi_class=multi_class,
    )
    size = tuple(golden['output_size'].tolist())
    length = int(golden['video_length'])
    return run_stream(cfg, length, 4, model=predict_clip, size=size), size


GOLDEN_CASES = (
    'l4_t5_s1',
    'l12_t5_s1',
    'l12_t5_s3',
    'l12_t5_s4',
    'l12_t5_s5',
    'l36_t36',
    'emptyclips',
    'allempty',
    'ties',
    'lowprob',
)


@pytest.mark.parametrize('name', GOLDEN_CASES)
def test_golden_rows_and_areas_multi_class(name):
    golden = load_golden(name)
    record, size = run_golden(golden, multi_class=True)
    assert record.instances_id.tolist() == golden['multi_slot'].tolist()
    assert record.labels.tolist() == golden['multi_labels'].tolist()
    np.testing.assert_allclose(record.scores.numpy(), golden['multi_scores'], atol=1e-6)
    tolerance = int(golden['near_zero_pixels'])
    for row, slot in enumerate(record.instances_id.tolist()):
        if row and record.instances_id[row - 1] == slot:
            assert record.masks[row] is record.masks[row - 1]
            continue
        areas = decode(record, row, size).sum((1, 2))
        assert np.abs(areas - golden['mask_area'][slot]).sum() <= tolerance


@pytest.mark.parametrize('name', GOLDEN_CASES)
def test_golden_rows_single_class(name):
    golden = load_golden(name)
    record, _ = run_golden(golden, multi_class=False)
    assert record.instances_id.tolist() == list(range(int(golden['num_inst'])))
    assert record.labels.tolist() == golden['single_labels'].tolist()
    np.testing.assert_allclose(
        record.scores.numpy(), golden['single_scores'], atol=1e-6
    )


class Sparkles(nn.Module):
    """Every clip shows objects at new places: each opens a track that soon ends."""

    def __init__(self):
        super().__init__()
        self.generator = torch.Generator().manual_seed(0)
        self.predictions = []

    def forward(self, features):
        logits = torch.full((3, features.num_frames, 5, 7), -9.0)
        places = torch.randperm(35, generator=self.generator)[:3]
        logits.flatten(2)[torch.arange(3), :, places] = 9.0
        cls_logits = torch.randn(3, 4, generator=self.generator) * 2
        return ClipPrediction(cls_logits.softmax(-1), logits)


def held_bytes(stream):
    tensors = [m for part in stream._parts for m in part.maps]
    merger = stream._merger
    tensors += [t for m in merger._frames.values() for t in m.logit_sums.values()]
    tensors += [p for clip in merger._past for p in clip.probs.values()]
    return sum(t.untyped_storage().nbytes() for t in tensors)


@torch.no_grad()
def run_sparkles(video_len, **cfg):
    stream = VideoStream(Sparkles(), TestCfg(clip_len=5, **cfg), video_len, SIZE)
    held, tracks = [], []
    for start in range(0, video_len, 8):
        frames = list(range(start, min(start + 8, video_len)))
        stream.push(frame_features(frames), frames)
        held.append(held_bytes(stream))
        tracks.append(len(stream._recorder._seen))
    return stream, held, tracks


def test_state_of_two_thousand_frames_is_that_of_a_hundred():
    _, held_short, _ = run_sparkles(100, clip_stride=2)
    stream, held_long, tracks = run_sparkles(2000, clip_stride=2)
    assert max(held_long) <= 1.1 * max(held_short)
    assert stream._merger.num_tracks > 1000
    # Beyond what its result needs, the stream keeps only the newest tracks: at most
    # as many again as the rows can hold (100 in each of 3 classes).
    assert max(tracks) <= 2 * 300 + 20
    record = stream.finish()
    assert len(record.masks[0]) == 2000
    assert torch.bincount(record.labels).tolist() == [100, 100, 100]


@pytest.mark.parametrize(
    'cfg',
    [
        dict(max_per_class=7),
        dict(max_per_class=None, max_per_video=11),
        dict(max_per_class=None, score_thr=0.8),
        dict(multi_class=False, max_per_class=5),
    ],
)
def test_tracks_dropped_on_the_way_would_have_had_no_row(cfg):
    stream, _, tracks = run_sparkles(60, **cfg)
    complete, _, _ = run_sparkles(60, max_per_class=None, score_thr=0.0)
    everything = complete.finish()
    masks_of = dict(zip(everything.instances_id.tolist(), everything.masks))
    record = stream.finish()
    assert tracks[-1] < len(masks_of)
    assert len(record) > 0
    for slot, masks in zip(record.instances_id.tolist(), record.masks):
        assert masks == masks_of[slot]


@pytest.mark.parametrize('frames', [[1, 2], [0, 2], [0, 0], [0, 1, 2, 3, 4]])
def test_frames_out_of_order_are_refused(frames):
    stream = VideoStream(TinyClipModel(), TestCfg(), 4, SIZE)
    with pytest.raises(ValueError, match=r'the next ones of the video are \[0, 1'):
        stream.push(frame_features(frames), frames)


def test_missing_frames_are_refused():
    stream = VideoStream(TinyClipModel(), TestCfg(clip_len=2), 9, SIZE)
    stream.push(frame_features([0, 1, 2]), [0, 1, 2])
    with pytest.raises(ValueError, match=r'after 3 of the 9 frames .* is frame 3'):
        stream.finish()


def test_video_without_frames_is_refused():
    with pytest.raises(ValueError, match='at least one frame, got 0'):
        VideoStream(TinyClipModel(), TestCfg(), 0, SIZE)
