import numpy as np
import torch
from pycocotools import mask as mask_util

from mmvis.inference import TestCfg
from mmvis.inference.clip_mergers import FinalFrame
from mmvis.inference.track_recorder import TrackRecorder

SIZE = (8, 12)


def flat_masks(*logits):
    """Maps of one value each, (n, 4, 6)."""
    return torch.tensor(logits)[:, None, None].expand(-1, 4, 6)


def frames_with_mask(masks):
    return [t for t, rle in enumerate(masks) if rle is not None]


def test_frames_between_are_interpolated():
    recorder = TrackRecorder(SIZE, 5, TestCfg(score_thr=0.3))
    recorder.add(FinalFrame(0, [0, 1], flat_masks(2.0, 1.0)))
    recorder.add(FinalFrame(4, [0, 2], flat_masks(-2.0, 1.0)))
    cls_probs = torch.tensor([[0.1, 0.5, 0.4], [0.4, 0.5, 0.1], [0.9, 0.0, 0.1]])
    tracks = recorder.record(cls_probs)
    assert tracks.instances_id.tolist() == [0, 1, 1, 2]
    assert tracks.labels.tolist() == [1, 0, 1, 0]
    torch.testing.assert_close(tracks.scores, torch.tensor([0.5, 0.4, 0.5, 0.9]))
    # Logits 2, 1, 0, -1, -2: one of exactly 0 is background.
    assert frames_with_mask(tracks.masks[0]) == [0, 1]
    # On one side only: the nearer half, and the middle.
    assert frames_with_mask(tracks.masks[1]) == [0, 1, 2]
    assert tracks.masks[2] is tracks.masks[1]
    assert tracks.bboxes[2] is tracks.bboxes[1]
    assert frames_with_mask(tracks.masks[3]) == [2, 3, 4]
    rle = tracks.masks[0][1]
    assert rle['size'] == [8, 12]
    assert mask_util.decode(rle).all()


def test_boxes_move_evenly_between_frames():
    recorder = TrackRecorder(SIZE, 3, TestCfg())
    logits = torch.full((1, 28, 28), 9.0)
    recorder.add(FinalFrame(0, [0], logits, torch.tensor([[0.0, 0, 0.5, 0.5]])))
    recorder.add(FinalFrame(2, [0], logits, torch.tensor([[0.5, 0.5, 1, 1]])))
    tracks = recorder.record(torch.tensor([[0.9, 0.1]]))
    for t, rle in enumerate(tracks.masks[0]):
        x, y = 3 * t, 2 * t
        expected = np.zeros(SIZE, dtype=np.uint8)
        expected[y : y + 4, x : x + 6] = 1
        np.testing.assert_array_equal(mask_util.decode(rle), expected)
        assert tracks.bboxes[0][t] == [x, y, x + 6, y + 4]


def record_frame(*args):
    recorder = TrackRecorder(SIZE, 1, TestCfg(multi_class=False))
    recorder.add(FinalFrame(0, [0, 1], *args))
    return recorder.record(torch.tensor([[0.7, 0.3], [0.5, 0.5]]))


def test_box_is_the_extent_of_the_mask():
    logits = torch.full((2, *SIZE), -1.0)
    logits[0, 1:4, 3:10] = 1
    tracks = record_frame(logits)
    assert tracks.bboxes == [[[3.0, 1.0, 10.0, 4.0]], [None]]
    assert tracks.masks[1] == [None]


def test_predicted_box_is_clipped_to_the_picture():
    bboxes = torch.tensor([[-0.25, 0.5, 0.75, 1.5], [0.5, 0.25, 0.823456, 0.75]])
    tracks = record_frame(torch.full((2, 4, 4), 9.0), bboxes)
    assert tracks.bboxes == [[[0.0, 4.0, 9.0, 8.0]], [[6.0, 2.0, 9.88, 6.0]]]


def test_ended_tracks_without_a_row_are_dropped():
    probs = torch.tensor([[0.5, 0.5], [0.8, 0.2], [0.1, 0.9], [0.7, 0.3]])
    asked = []

    def cls_probs(slots):
        asked.append(list(slots))
        return probs[slots]

    recorder = TrackRecorder(SIZE, 2, TestCfg(score_thr=0.0, max_per_class=1))
    recorder.add(FinalFrame(0, [0, 1, 2], flat_masks(1.0, 1.0, 1.0)))
    recorder.end_tracks({2}, 3, cls_probs)  # 0 and 1 end, 2 is open
    recorder.add(FinalFrame(1, [2, 3], flat_masks(1.0, 1.0)))
    # One kept, two ended: nothing is decided until there are more than twice as many.
    recorder.end_tracks({2}, 4, cls_probs)
    assert asked == [[0, 1]]
    (masks,) = recorder.record(probs).masks
    assert frames_with_mask(masks) == [0]
    # Whatever the scores become, of slot 0 nothing is left.
    (masks,) = recorder.record(probs[[1, 0, 3, 2]]).masks
    assert masks == [None, None]


def test_video_without_tracks():
    recorder = TrackRecorder(SIZE, 2, TestCfg())
    recorder.add(FinalFrame(0, [], torch.zeros(0, 0, 0)))
    recorder.add(FinalFrame(1, [], torch.zeros(0, 0, 0)))
    tracks = recorder.record(torch.zeros(0, 3))
    assert len(tracks) == 0
    assert tracks.masks == []
