import torch

from mmvis.inference import FinalFrame
from mmvis.structures import FrameMasks, RoIFrameMasks


def flat_masks(*logits):
    """Maps of one value each, (n, 4, 6)."""
    return FrameMasks(torch.tensor(logits)[:, None, None].expand(-1, 4, 6))


def test_logits_between_are_interpolated():
    before = FinalFrame(10, [0, 3, 4], flat_masks(2.0, 1.0, 7.0))
    after = FinalFrame(14, [1, 3, 4], flat_masks(9.0, 5.0, -1.0))
    between = list(before.frames_until(after))
    assert [frame.frame_id for frame in between] == [11, 12, 13]
    # Of a track on one side only: the nearer half, and the middle.
    assert [f.track_ids for f in between] == [[0, 3, 4], [0, 1, 3, 4], [1, 3, 4]]
    values = [frame.masks.logits[:, 0, 0].tolist() for frame in between]
    assert values == [[2, 2, 5], [2, 9, 3, 3], [9, 4, 1]]


def test_boxes_between_are_interpolated():
    logits = torch.full((2, 3, 3), 9.0)
    boxes = torch.tensor([[0.0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]])
    before = FinalFrame(0, [1, 2], RoIFrameMasks(logits, boxes))
    after = FinalFrame(2, [1, 2], RoIFrameMasks(-logits, boxes.flip(0)))
    (between,) = before.frames_until(after)
    assert between.track_ids == [1, 2]
    torch.testing.assert_close(between.masks.logits, logits * 0)
    torch.testing.assert_close(
        between.masks.bboxes,
        torch.full((2, 4), 0.25) + (torch.tensor([0, 0, 0.5, 0.5])),
    )


def test_frames_without_tracks():
    none = FrameMasks(torch.zeros(0, 0, 0))
    before, after = FinalFrame(0, [], none), FinalFrame(4, [0], flat_masks(1.0))
    assert [f.track_ids for f in before.frames_until(after)] == [[], [0], [0]]
    assert [f.track_ids for f in after.frames_until(FinalFrame(6, [], none))] == [[0]]
    assert list(before.frames_until(FinalFrame(1, [], none))) == []
