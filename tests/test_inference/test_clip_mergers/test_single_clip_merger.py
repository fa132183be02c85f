import torch

from mmvis.inference.clip_mergers import SingleClipMerger
from mmvis.structures import RoIClipPrediction

N, T, K = 2, 3, 4


def make_prediction():
    torch.manual_seed(0)
    return RoIClipPrediction(
        torch.rand(N, K + 1), torch.randn(N, T, 5, 5), torch.rand(N, T, 4), (6, 8)
    )


def test_hands_out_the_clip_frame_by_frame():
    merger, prediction = SingleClipMerger(), make_prediction()
    assert merger.num_tracks == 0
    merger.update([0, 4, 7], prediction)
    assert merger.num_tracks == N
    frames = merger.pop_final()
    assert [frame.frame_id for frame in frames] == [0, 4, 7]
    for t, frame in enumerate(frames):
        assert frame.slots == [0, 1]
        assert torch.equal(frame.mask_logits, prediction.roi_logits[:, t])
        assert torch.equal(frame.bboxes, prediction.bboxes[:, t])


def test_no_slot_is_open_and_each_has_its_probabilities():
    merger, prediction = SingleClipMerger(), make_prediction()
    merger.update(range(T), prediction)
    assert merger.open_slots() == set()
    assert torch.equal(merger.cls_probs(), prediction.cls_probs)
    assert torch.equal(merger.cls_probs([1]), prediction.cls_probs[1:])
    assert merger.cls_probs([]).shape == (0, K + 1)


def test_clip_without_objects():
    merger = SingleClipMerger()
    none = RoIClipPrediction(
        torch.zeros(0, K + 1), torch.zeros(0, T, 5, 5), torch.zeros(0, T, 4), (6, 8)
    )
    merger.update(range(T), none)
    assert merger.num_tracks == 0
    assert [frame.slots for frame in merger.pop_final()] == [[]] * T
