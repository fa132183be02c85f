import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pycocotools import mask as mask_util
from torch import nn

from mmvis.inference import IFCClipMerger, TestCfg
from mmvis.inference.track_rows import select_rows
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


def make_frames(frame_inds, h=5, w=7):
    """Smooth maps (1, t, 3, h, w) that move with the frame index, each by itself."""
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
    return torch.stack(maps)[None]


def features_of(frame_inds):
    maps = make_frames(frame_inds)
    return ClipFeatures((maps,), (8,), (maps[:, :, 0].isnan(),))


@pytest.fixture
def run_stream(open_stream, feed):
    def run(cfg, video_len, chunk_len, model=None, size=SIZE, is_known=True):
        model = TinyClipModel() if model is None else model
        stream = open_stream(model, cfg, video_len if is_known else None, size)
        feed(stream, make_frames, video_len, chunk_len)
        return stream.record()

    return run


@torch.no_grad()
def run_without_streaming(video_len, clip_len, clip_stride, size=SIZE):
    """All clips first, then all masks: what the stream must reproduce."""
    model, merger = TinyClipModel(), IFCClipMerger()
    features = features_of(range(video_len))
    starts = list(range(0, video_len, clip_stride))
    starts = [s for s in starts if s + clip_len < video_len]
    starts.append(max(video_len - clip_len, 0))
    for start in starts:
        stop = min(start + clip_len, video_len)
        merger.update(range(start, stop), model(features.select_frames(start, stop)))
    masks = np.zeros((len(merger.track_ids), video_len, *size), dtype=bool)
    for frame in merger.pop_final(None):
        if frame.track_ids:
            resized = F.interpolate(frame.masks.logits[None], size, mode='bilinear')
            masks[frame.track_ids, frame.frame_id] = resized[0].numpy() > 0
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
    run_stream, video_len, clip_len, clip_stride
):
    cfg = dict(clip_len=clip_len, clip_stride=clip_stride)
    record = run_stream(cfg, video_len, chunk_len=4)
    cls_probs, masks = run_without_streaming(video_len, clip_len, clip_stride)
    tracks, labels = (cls_probs[:, :-1] > 0.01).nonzero(as_tuple=True)
    assert len(record) > 0
    assert record.instances_id.tolist() == tracks.tolist()
    assert record.labels.tolist() == labels.tolist()
    torch.testing.assert_close(record.scores, cls_probs[tracks, labels])
    for row in range(len(record)):
        np.testing.assert_array_equal(decode(record, row), masks[tracks[row]])
    assert any(masks[track].any() for track in tracks)


CLIPS = pytest.mark.parametrize(
    'cfg',
    [
        dict(clip_len=5, clip_stride=2),
        dict(clip_len=5, clip_stride=3, frame_stride=2),
        dict(clip_len=1, merger=dict(type='TrackClipMerger')),
        dict(clip_len=None),
        dict(clip_len=None, frame_stride=5),
        dict(clip_len=None, max_offline_frames=4),
    ],
    ids=str,
)


@CLIPS
@pytest.mark.parametrize('chunk_len', [1, 3, 8])
def test_result_does_not_depend_on_the_pieces(run_stream, cfg, chunk_len):
    whole = run_stream(cfg, 13, chunk_len=13)
    assert_same_record(run_stream(cfg, 13, chunk_len=chunk_len), whole)


@CLIPS
@pytest.mark.parametrize('video_len', [1, 4, 12, 13])
@pytest.mark.parametrize('chunk_len', [1, 5])
def test_length_need_not_be_known(run_stream, cfg, video_len, chunk_len):
    known = run_stream(cfg, video_len, chunk_len)
    assert len(known) > 0
    assert_same_record(run_stream(cfg, video_len, chunk_len, is_known=False), known)


@CLIPS
@pytest.mark.parametrize('is_known', [True, False])
def test_frames_leave_in_order_with_the_masks_of_the_record(
    open_stream, feed, cfg, is_known
):
    stream = open_stream(TinyClipModel(), cfg, 13 if is_known else None, SIZE)
    frames = feed(stream, make_frames, 13, chunk_len=2)
    assert [frame.frame_id for frame in frames] == list(range(13))
    record = stream.record()
    for track_id, rles, bboxes in zip(
        record.instances_id.tolist(), record.masks, record.bboxes
    ):
        for frame, rle, bbox in zip(frames, rles, bboxes, strict=True):
            if track_id not in frame.track_ids:
                assert rle is None
                continue
            n = frame.track_ids.index(track_id)
            assert frame.rles[n] == rle
            assert frame.bboxes[n] == bbox


def test_scores_so_far_are_those_of_the_clips_so_far(open_stream, feed):
    probs = iter([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.2, 0.7, 0.1]])

    def predict(features):
        logits = torch.ones(1, 2, 5, 7)
        return ClipPrediction(torch.tensor([next(probs)]), logits)

    stream = open_stream(predict, dict(clip_len=2))
    frames = feed(stream, make_frames, 4, chunk_len=1)
    assert [frame.track_ids for frame in frames] == [[0]] * 4
    assert [frame.labels.item() for frame in frames] == [0, 0, 1, 1]
    scores = [frame.scores.item() for frame in frames]
    assert scores == pytest.approx([0.8, 0.5, 1.5 / 3, 1.5 / 3])


def test_offline_is_a_clip_of_the_whole_video(run_stream):
    offline = run_stream(dict(clip_len=None), 9, chunk_len=4)
    assert_same_record(offline, run_stream(dict(clip_len=9), 9, chunk_len=4))


def test_offline_falls_back_to_clips_on_long_videos(run_stream):
    cfg = dict(clip_len=None, max_offline_frames=4)
    record = run_stream(cfg, 11, chunk_len=4)
    assert_same_record(
        record, run_stream(dict(clip_len=4, clip_stride=2), 11, chunk_len=4)
    )


def nothing(features):
    return ClipPrediction(torch.zeros(0, 4), torch.zeros(0, features.num_frames, 5, 7))


def test_every_frame_runs_once_for_any_overlap(open_stream, feed):
    """Features are selected from the cache, in order, for every clip."""
    seen = []

    def predict(features):
        seen.append(features.maps[0][0, :, 0, 0, 0].tolist())
        return nothing(features)

    stream = open_stream(predict, dict(clip_len=3, clip_stride=2), 8)
    frames = feed(stream, make_frames, 8, chunk_len=3)
    values = make_frames(range(8))[0, :, 0, 0, 0].tolist()
    assert seen == [values[0:3], values[2:5], values[4:7], values[5:8]]
    assert [len(frame) for frame in frames] == [0] * 8
    assert len(stream.record()) == 0
    assert stream.record().masks == []


@pytest.mark.parametrize('video_len', [5, None])
def test_clips_run_and_frames_leave_as_soon_as_possible(
    open_stream, samples_of, video_len
):
    calls = []

    def predict(features):
        calls.append(features.num_frames)
        return nothing(features)

    stream = open_stream(predict, dict(clip_len=3), video_len)
    counts, final = [], []
    for frame in range(5):
        leaving = stream.push(make_frames([frame]), samples_of([frame]))
        counts.append(len(calls))
        final.append([f.frame_id for f in leaving])
    assert counts == [0, 0, 1, 2, 3]
    last = [] if video_len is None else [3, 4]
    assert final == [[], [], [0], [1], [2, *last]]
    assert [f.frame_id for f in stream.end()] == [f for f in (3, 4) if f not in last]


def test_online_frames_are_final_after_their_own(open_stream, samples_of):
    stream = open_stream(TinyClipModel(), dict(clip_len=1))
    for frame in range(4):
        (tracks,) = stream.push(make_frames([frame]), samples_of([frame]))
        assert tracks.frame_id == frame
    assert stream.end() == []


class PlannedMasks(nn.Module):
    """One clip's masks, frame by frame; ``None`` leaves a frame negative."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits  # (N, T, h, w)

    def forward(self, features):
        cls_probs = torch.tensor([[0.9, 0.05, 0.05]]).repeat(len(self.logits), 1)
        assert features.num_frames == self.logits.shape[1]
        return ClipPrediction(cls_probs, self.logits)


def test_frames_between_seen_ones_get_interpolated_logits(run_stream):
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


def test_track_missing_in_one_neighbour_keeps_its_mask_for_half_of_the_way(run_stream):
    """Clips (0, 4) and (8, 12): each track lives in one of them."""
    box_a, box_b = torch.full((2, 1, 2, 4, 4), -5.0)
    box_a[..., :2, :2] = 5
    box_b[..., 2:, 2:] = 5
    planned = iter([box_a, box_b])

    def predict(features):
        return ClipPrediction(torch.tensor([[0.9, 0.1]]), next(planned))

    cfg = dict(clip_len=2, clip_stride=2, frame_stride=4)
    record = run_stream(cfg, 13, chunk_len=5, model=predict, size=(4, 4))
    present = [[m is not None for m in masks] for masks in record.masks]
    # Frames 5 and 6 are at most as far from frame 4 as from frame 8, 6 is both.
    assert present[0] == [True] * 7 + [False] * 6
    assert present[1] == [False] * 6 + [True] * 7


@pytest.mark.parametrize('frame_stride', [1, 2, 3, 7, 50])
@pytest.mark.parametrize('video_len', [1, 2, 9])
@pytest.mark.parametrize('is_known', [True, False])
def test_every_frame_has_a_result(run_stream, frame_stride, video_len, is_known):
    logits = torch.full((1, 50, 5, 7), 4.0)
    seen = []

    def predict(features):
        seen.append(features.maps[0][0, :, 0, 0, 0].tolist())
        return ClipPrediction(
            torch.tensor([[0.9, 0.1]]), logits[:, : features.num_frames]
        )

    cfg = dict(clip_len=3, clip_stride=2, frame_stride=frame_stride)
    record = run_stream(cfg, video_len, 4, model=predict, is_known=is_known)
    assert decode(record, 0).all()
    assert len(record.masks[0]) == video_len
    last = make_frames([video_len - 1])[0, 0, 0, 0, 0].item()
    assert seen[-1][-1] == last


def load_golden(name):
    return np.load(find_golden(f'ifc/merge_{name}.npz'))


def run_golden(run_stream, golden, multi_class):
    clips = iter(range(int(golden['num_clips'])))

    def predict(features):
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
    return run_stream(cfg, length, 4, model=predict, size=size), size


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
def test_golden_rows_and_areas_multi_class(run_stream, name):
    golden = load_golden(name)
    record, size = run_golden(run_stream, golden, multi_class=True)
    assert record.instances_id.tolist() == golden['multi_slot'].tolist()
    assert record.labels.tolist() == golden['multi_labels'].tolist()
    np.testing.assert_allclose(record.scores.numpy(), golden['multi_scores'], atol=1e-6)
    tolerance = int(golden['near_zero_pixels'])
    for row, track in enumerate(record.instances_id.tolist()):
        if row and record.instances_id[row - 1] == track:
            assert record.masks[row] is record.masks[row - 1]
            continue
        areas = decode(record, row, size).sum((1, 2))
        assert np.abs(areas - golden['mask_area'][track]).sum() <= tolerance


@pytest.mark.parametrize('name', GOLDEN_CASES)
def test_golden_rows_single_class(run_stream, name):
    golden = load_golden(name)
    record, _ = run_golden(run_stream, golden, multi_class=False)
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
    tensors = [m for part in stream._cached for m in part.maps]
    merger = stream._merger
    tensors += [t for m in merger._frames.values() for t in m.logit_sums.values()]
    tensors += [p for clip in merger._past for p in clip.probs.values()]
    return sum(t.untyped_storage().nbytes() for t in tensors)


@pytest.fixture
def run_sparkles(open_stream, samples_of):
    def run(video_len, is_known=True, keep_record=True, **cfg):
        stream = open_stream(
            Sparkles(),
            dict(clip_len=5, **cfg),
            video_len if is_known else None,
            SIZE,
            keep_record,
        )
        held, tracks = [], []
        for start in range(0, video_len, 8):
            frames = range(start, min(start + 8, video_len))
            stream.push(make_frames(frames), samples_of(frames))
            held.append(held_bytes(stream))
            tracks.append(len(stream._merger.track_ids))
        stream.end()
        return stream, held, tracks

    return run


def test_state_of_two_thousand_frames_is_that_of_a_hundred(run_sparkles):
    _, held_short, _ = run_sparkles(100, clip_stride=2)
    stream, held_long, tracks = run_sparkles(2000, clip_stride=2)
    assert max(held_long) <= 1.1 * max(held_short)
    # Beyond what its result needs, the stream keeps only the newest tracks: at most
    # as many again as the rows can hold (100 in each of 3 classes).
    assert max(tracks) <= 2 * 300 + 20
    assert len(stream._recorder._masks) <= 2 * 300 + 20
    record = stream.record()
    assert record.instances_id.max() > 1000
    assert len(record.masks[0]) == 2000
    assert torch.bincount(record.labels).tolist() == [100, 100, 100]


def test_an_endless_source_needs_no_more_than_its_window(run_sparkles):
    options = dict(is_known=False, keep_record=False, clip_stride=2)
    _, held_short, tracks_short = run_sparkles(100, **options)
    stream, held_long, tracks_long = run_sparkles(2000, **options)
    assert max(held_long) <= 1.1 * max(held_short)
    assert max(tracks_long) <= max(tracks_short) + 3
    with pytest.raises(ValueError, match='keep_record=False'):
        stream.record()


@pytest.mark.parametrize(
    'cfg',
    [
        dict(max_per_class=7),
        dict(max_per_class=None, max_per_video=11),
        dict(max_per_class=None, score_thr=0.8),
        dict(multi_class=False, max_per_class=5),
    ],
)
def test_tracks_dropped_on_the_way_would_have_had_no_row(run_sparkles, cfg):
    stream, _, tracks = run_sparkles(60, **cfg)
    complete, _, _ = run_sparkles(60, max_per_class=None, score_thr=0.0)
    everything = complete.record()
    expected = select_rows(
        complete._merger.cls_probs(), TestCfg.from_dict(dict(clip_len=5, **cfg))
    )
    record = stream.record()
    assert tracks[-1] < len(set(everything.instances_id.tolist()))
    assert len(record) > 0
    assert record.instances_id.tolist() == expected[0].tolist()
    assert record.labels.tolist() == expected[1].tolist()
    masks_of = dict(zip(everything.instances_id.tolist(), everything.masks))
    for track_id, masks in zip(record.instances_id.tolist(), record.masks):
        assert masks == masks_of[track_id]


class Counter:
    """A model whose state counts the frames of its video."""

    def encode_frames(self, inputs, data_samples):
        return ClipFeatures((inputs,), (8,), (inputs[:, :, 0].isnan(),))

    def predict_clip(self, features, state):
        count = features.num_frames + (0 if state is None else state)
        probs = torch.tensor([[count / 100, 1 - count / 100]])
        logits = torch.ones(1, features.num_frames, 5, 7)
        return ClipPrediction(probs, logits, torch.tensor([3])), count


def test_state_is_passed_from_clip_to_clip_and_reset_for_each_video(
    open_stream, samples_of
):
    """Two videos take turns on one model."""
    model, cfg = Counter(), dict(clip_len=1, merger=dict(type='QueryIndexMerger'))
    streams = [open_stream(model, cfg), open_stream(model, cfg)]
    for frame, turns in enumerate([(0, 1), (1, 0), (0, 1), (0,)]):
        for turn in turns:
            (tracks,) = streams[turn].push(make_frames([frame]), samples_of([frame]))
            assert tracks.track_ids == [3]
            counted = 100 * tracks.scores.item() * (frame + 1)
            assert counted == pytest.approx(sum(range(frame + 2)))
    for stream, expected in zip(streams, (2.5, 2.0)):
        stream.end()
        assert stream.record().scores.item() == pytest.approx(expected / 100)


@pytest.mark.parametrize('frames', [[1, 2], [0, 2], [0, 0], [0, 1, 2, 3, 4], [0, 2, 1]])
def test_frames_out_of_order_are_refused(open_stream, samples_of, frames):
    stream = open_stream(TinyClipModel(), dict(), 4)
    with pytest.raises(ValueError, match=r'the next frame that the model must see is'):
        stream.push(make_frames(frames), samples_of(frames))


def test_seen_frames_must_not_be_left_out(open_stream, samples_of):
    stream = open_stream(TinyClipModel(), dict(frame_stride=3))
    stream.push(make_frames([0, 2]), samples_of([0, 2]))
    with pytest.raises(ValueError, match=r'Frame 4 came after frame 2, but .* is 3'):
        stream.push(make_frames([4]), samples_of([4]))


def test_missing_frames_are_refused(open_stream, samples_of):
    stream = open_stream(TinyClipModel(), dict(clip_len=2), 9)
    stream.push(make_frames([0, 1, 2]), samples_of([0, 1, 2]))
    with pytest.raises(ValueError, match=r'after 3 of 9 frames'):
        stream.end()
    with pytest.raises(ValueError, match=r'has_ended=False'):
        stream.record()


def test_nothing_after_the_end(open_stream, samples_of):
    stream = open_stream(TinyClipModel(), dict(clip_len=2))
    stream.push(make_frames([0]), samples_of([0]))
    assert [frame.frame_id for frame in stream.end()] == [0]
    assert stream.end() == []
    with pytest.raises(ValueError, match='none: the video has ended'):
        stream.push(make_frames([1]), samples_of([1]))


def test_video_without_frames_is_refused(open_stream):
    with pytest.raises(ValueError, match='at least one frame, got 0'):
        open_stream(TinyClipModel(), dict(), 0)
    with pytest.raises(ValueError, match='after 0 of at least 1 frames'):
        open_stream(TinyClipModel(), dict()).end()


@pytest.mark.parametrize('where', ['masks', 'classes'])
def test_nan_names_its_frame(open_stream, samples_of, where):
    def predict(features):
        probs, logits = torch.tensor([[0.9, 0.1]]), torch.ones(1, 2, 5, 7)
        if where == 'masks':
            logits[0, 1, 2, 3] = float('nan')
        else:
            probs[0, 0] = float('nan')
        return ClipPrediction(probs, logits)

    stream = open_stream(predict, dict(clip_len=2))
    stream.push(make_frames([0]), samples_of([0]))
    frame = '1' if where == 'masks' else '0, 1'
    with pytest.raises(FloatingPointError, match=f'are NaN in frame {frame} of the'):
        stream.push(make_frames([1]), samples_of([1]))
