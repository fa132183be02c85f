import numpy as np
import torch

from mmvis.inference import FrameTracks
from mmvis.structures import FrameMasks

SIZE = (4, 6)


class CountingMasks(FrameMasks):
    num_encoded = 0

    def select(self, rows):
        return CountingMasks(super().select(rows).logits)

    def encode(self, size):
        CountingMasks.num_encoded += len(self)
        return super().encode(size)


def make_tracks():
    logits = torch.full((3, *SIZE), -1.0)
    logits[0, 1:3, 2:5] = 1
    logits[2, :, 0] = 1
    return FrameTracks(
        frame_id=7,
        track_ids=[2, 3, 9],
        labels=torch.tensor([1, 0, 1]),
        scores=torch.tensor([0.5, 0.2, 0.9]),
        frame_masks=CountingMasks(logits),
        size=SIZE,
    )


def test_masks_and_boxes():
    tracks = make_tracks()
    assert len(tracks) == 3
    expected = np.zeros((3, *SIZE), dtype=bool)
    expected[0, 1:3, 2:5] = True
    expected[2, :, 0] = True
    np.testing.assert_array_equal(tracks.masks, expected)
    assert tracks.bboxes == [[2, 1, 5, 3], None, [0, 0, 1, 4]]
    assert [rle and rle['size'] for rle in tracks.rles] == [[4, 6], None, [4, 6]]


def test_masks_are_encoded_once_and_when_asked_for():
    CountingMasks.num_encoded = 0
    tracks = make_tracks()
    first = tracks.select([0])
    assert first.track_ids == [2]
    assert CountingMasks.num_encoded == 0
    assert first.bboxes == [[2, 1, 5, 3]]
    assert CountingMasks.num_encoded == 1
    boxes = tracks.bboxes  # of the first as it is
    assert (tracks.rles[0] is not None, CountingMasks.num_encoded) == (True, 3)
    picked = tracks.select([2, 0])
    assert (picked.track_ids, picked.labels.tolist()) == ([9, 2], [1, 1])
    assert picked.bboxes == [boxes[2], boxes[0]]
    assert CountingMasks.num_encoded == 3


def test_above_a_score():
    assert make_tracks().above(0.5).track_ids == [2, 9]
    assert make_tracks().above(0.50000001).track_ids == [2, 9]
    assert make_tracks().above(0.95).track_ids == []
    assert make_tracks().above(0.95).masks.shape == (0, *SIZE)
