import pytest
import torch
from pycocotools import mask as mask_util

from mmvis.inference import FrameTracks, TestCfg, TrackRecorder
from mmvis.structures import FrameMasks, RoIFrameMasks

SIZE = (8, 12)


def frame_of(frame_id, track_ids, masks):
    n = len(track_ids)
    labels, scores = torch.zeros(n, dtype=torch.long), torch.ones(n)
    return FrameTracks(frame_id, track_ids, labels, scores, masks, SIZE)


def flat_masks(*logits):
    """Maps of one value each, (n, 4, 6)."""
    return FrameMasks(torch.tensor(logits)[:, None, None].expand(-1, 4, 6))


def frames_with_mask(masks):
    return [t for t, rle in enumerate(masks) if rle is not None]


def test_rows_of_tracks_share_their_masks():
    recorder = TrackRecorder(SIZE, TestCfg(score_thr=0.3))
    cls_probs = torch.tensor([[0.1, 0.5, 0.4], [0.4, 0.5, 0.1], [0.9, 0.0, 0.1]])
    recorder.add(frame_of(0, [0, 4], flat_masks(2.0, 1.0)), cls_probs[:2])
    recorder.add(frame_of(2, [4, 5], flat_masks(3.0, -1.0)), cls_probs[1:])
    tracks = recorder.record(4, [0, 4, 5], cls_probs)
    assert tracks.instances_id.tolist() == [0, 4, 4, 5]
    assert tracks.labels.tolist() == [1, 0, 1, 0]
    torch.testing.assert_close(tracks.scores, torch.tensor([0.5, 0.4, 0.5, 0.9]))
    shown = [frames_with_mask(masks) for masks in tracks.masks]
    assert shown == [[0], [0, 2], [0, 2], []]
    assert all(len(masks) == 4 for masks in tracks.masks)
    assert tracks.masks[2] is tracks.masks[1]
    assert tracks.bboxes[2] is tracks.bboxes[1]
    rle = tracks.masks[0][0]
    assert rle['size'] == [8, 12]
    assert mask_util.decode(rle).all()


def record_frame(masks):
    recorder = TrackRecorder(SIZE, TestCfg(multi_class=False))
    cls_probs = torch.tensor([[0.7, 0.3], [0.5, 0.5]])
    recorder.add(frame_of(0, [0, 1], masks), cls_probs)
    return recorder.record(1, [0, 1], cls_probs)


def test_box_is_the_extent_of_the_mask():
    logits = torch.full((2, *SIZE), -1.0)
    logits[0, 1:4, 3:10] = 1
    tracks = record_frame(FrameMasks(logits))
    assert tracks.bboxes == [[[3.0, 1.0, 10.0, 4.0]], [None]]
    assert tracks.masks[1] == [None]


def test_predicted_box_is_clipped_to_the_picture():
    bboxes = torch.tensor([[-0.25, 0.5, 0.75, 1.5], [0.5, 0.25, 0.823456, 0.75]])
    tracks = record_frame(RoIFrameMasks(torch.full((2, 4, 4), 9.0), bboxes))
    assert tracks.bboxes == [[[0.0, 4.0, 9.0, 8.0]], [[6.0, 2.0, 9.88, 6.0]]]


def test_forgotten_tracks_leave_nothing():
    recorder = TrackRecorder(SIZE, TestCfg(score_thr=0.0))
    probs = torch.tensor([[0.5, 0.5], [0.8, 0.2]])
    recorder.add(frame_of(0, [0, 1], flat_masks(1.0, 1.0)), probs)
    recorder.forget([0, 7])
    masks = recorder.record(1, [0, 1], probs).masks
    assert [frames_with_mask(m) for m in masks] == [[], [0]]


def test_video_without_tracks():
    recorder = TrackRecorder(SIZE, TestCfg())
    recorder.add(frame_of(0, [], FrameMasks(torch.zeros(0, 0, 0))), torch.zeros(0, 3))
    tracks = recorder.record(2, [], torch.zeros(0, 3))
    assert len(tracks) == 0
    assert tracks.masks == []


@pytest.mark.parametrize('kind', ['maps', 'boxes'])
def test_record_does_not_depend_on_which_tracks_looked_best_before(kind):
    torch.manual_seed(0)
    logits = torch.randn(3, 4, 5, 7)  # frames, tracks
    bboxes = torch.tensor([[0.1, 0.2, 0.6, 0.9]] * 4)
    final = torch.tensor([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.7, 0.3]])
    records, counts = [], []
    for guess in (final, final.flip(0), torch.full_like(final, 0.5), final.flip(1)):
        recorder = TrackRecorder(SIZE, TestCfg(score_thr=0.0, max_per_video=2))
        frames = []
        for t, maps in enumerate(logits):
            masks = FrameMasks(maps) if kind == 'maps' else RoIFrameMasks(maps, bboxes)
            frames.append(frame_of(t, [0, 1, 2, 3], masks))
            recorder.add(frames[-1], guess)
            counts.append(len(frames[-1]._encoded))
        records.append(recorder.record(3, [0, 1, 2, 3], final))
        for row, track_id in enumerate([1, 3]):
            assert records[-1].masks[row] == [f.rles[track_id] for f in frames]
            assert records[-1].bboxes[row] == [f.bboxes[track_id] for f in frames]
    assert records[0].instances_id.tolist() == [1, 3]
    assert set(counts) == {2}  # encoded at once: as many as there will be rows
