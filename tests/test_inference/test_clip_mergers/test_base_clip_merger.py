import pytest
import torch

from mmvis.inference import IFCClipMerger, QueryIndexMerger, TrackClipMerger
from mmvis.structures import ClipPrediction, RoIClipPrediction

N, T, K = 2, 3, 4
MERGERS = pytest.mark.parametrize(
    'merger',
    [
        IFCClipMerger(),
        QueryIndexMerger(),
        TrackClipMerger(prior_clips=0, weigh_masks=False, filter_only_clip=False),
    ],
    ids=lambda merger: type(merger).__name__,
)


def make_prediction(num=N):
    torch.manual_seed(0)
    return RoIClipPrediction(
        torch.rand(num, K + 1).softmax(-1),
        torch.randn(num, T, 5, 5),
        torch.rand(num, T, 4),
        (6, 8),
        torch.arange(num),
    )


@MERGERS
def test_single_clip_is_not_changed(merger):
    merger.reset()
    prediction = make_prediction()
    assert merger.update([0, 4, 7], prediction, is_only_clip=True).tolist() == [0, 1]
    frames = merger.pop_final()
    assert [frame.frame_id for frame in frames] == [0, 4, 7]
    for t, frame in enumerate(frames):
        assert frame.track_ids == [0, 1]
        assert torch.equal(frame.masks.logits, prediction.roi_logits[:, t])
        assert torch.equal(frame.masks.bboxes, prediction.bboxes[:, t])
    torch.testing.assert_close(merger.cls_probs(), prediction.cls_probs)
    torch.testing.assert_close(merger.cls_probs([1]), prediction.cls_probs[1:])
    assert merger.cls_probs([]).shape == (0, K + 1)
    assert merger.pop_final() == []


@MERGERS
def test_an_only_clip_without_objects(merger):
    merger.reset()
    merger.update(range(T), make_prediction(0), is_only_clip=True)
    assert merger.track_ids == []
    assert [frame.track_ids for frame in merger.pop_final()] == [[]] * T


def test_duplicates_of_an_only_clip():
    prediction = ClipPrediction(
        torch.tensor([[0.6, 0.4], [0.7, 0.3], [0.5, 0.5]]),
        torch.tensor([4.0, 4.0, -4.0]).view(3, 1, 1, 1).expand(-1, 2, 4, 4),
    )
    merger = TrackClipMerger()
    assert merger.update([0, 1], prediction, is_only_clip=True).tolist() == [-1, 0, -1]
    (frame, _) = merger.pop_final()
    assert frame.track_ids == [0]
    assert torch.equal(frame.masks.logits, prediction.mask_logits[1:2, 0])
    keeps_all = TrackClipMerger(filter_only_clip=False)
    assert keeps_all.update([0, 1], prediction, is_only_clip=True).tolist() == [0, 1, 2]


def test_forgotten_tracks_are_gone_and_their_ids_not_used_again():
    merger = IFCClipMerger()
    logits = torch.full((2, 1, 2, 2), 9.0)
    probs = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    merger.update([0], ClipPrediction(probs, logits))
    merger.pop_final(1)
    assert merger.open_tracks() == set()
    merger.forget([0, 1])
    assert merger.track_ids == []
    assert merger.update([1], ClipPrediction(probs, logits)).tolist() == [2, 3]
    assert torch.equal(merger.cls_probs([3]), probs[1:])
