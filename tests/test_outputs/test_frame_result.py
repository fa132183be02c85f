import numpy as np
import torch

from mmvis.inference import FrameTracks
from mmvis.outputs import FrameResult


class Logits:
    """Masks that count how many of them are encoded, in all selections."""

    def __init__(self, encoded, calls=None):
        self.encoded, self.calls = encoded, [] if calls is None else calls

    def encode(self, size):
        self.calls += self.encoded
        return self.encoded

    def select(self, rows):
        return Logits([self.encoded[row] for row in rows], self.calls)


def make_frame(encoded, load=None):
    n = len(encoded)
    masks = Logits(encoded)
    labels, scores = torch.arange(n) % 2, torch.linspace(0.2, 0.8, n)
    tracks = FrameTracks(3, list(range(n)), labels, scores, masks, (4, 6))
    return FrameResult(tracks, 1.5, load, ('cat', 'dog')), masks


def test_tracks_without_foreground_are_left_out(result):
    frame, _ = make_frame([None, None])
    assert len(frame) == 0
    assert frame.boxes.shape == (0, 4)
    assert frame.masks.shape == (0, 4, 6)
    assert frame.ids.shape == (0,)


def test_arrays_and_tracks_agree(result):
    frame = result.frame(0)
    assert len(frame) == 2
    assert frame.ids.tolist() == [track.id for track in frame]
    assert frame.labels.tolist() == [1, 2]
    assert frame.scores.round(3).tolist() == [0.9, 0.6]
    assert frame.boxes.tolist() == [track.box for track in frame]
    for mask, track in zip(frame.masks, frame):
        assert np.array_equal(mask, track.mask)
        assert track.area == mask.sum()
        assert isinstance(track.rle['counts'], str)


def test_nothing_is_encoded_or_loaded_before_it_is_asked_for():
    loaded = []

    def load():
        loaded.append(1)
        return np.zeros((4, 6, 3), np.uint8)

    frame, masks = make_frame([None, None], load)
    assert (frame.frame_id, frame.time, masks.calls) == (3, 1.5, [])
    assert len(frame.above(0.5)) == 0
    assert len(masks.calls) == 1  # only those above are encoded
    assert len(frame) == len(frame.boxes) == 0
    assert len(masks.calls) == 2  # each once
    assert loaded == []
    assert frame.image is frame.image
    assert loaded == [1]


def test_above_keeps_the_image(result, images):
    frame = result.frame(1, images[1]).above(0.7)
    assert frame.ids.tolist() == [4]
    assert np.array_equal(frame.image, images[1])
    assert frame.plot(scale=2).shape == (40, 60, 3)
