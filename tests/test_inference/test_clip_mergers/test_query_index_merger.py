import pytest
import torch

from mmvis.inference import QueryIndexMerger
from mmvis.registry import TASK_UTILS
from mmvis.structures import ClipPrediction, RoIClipPrediction


def clip(query_inds, num_frames=2, cls_logits=None):
    """A prediction whose mask logits are the query's index."""
    query_inds = torch.tensor(query_inds)
    if cls_logits is None:
        cls_logits = torch.zeros(len(query_inds), 3)
    logits = query_inds.float().view(-1, 1, 1, 1).expand(-1, num_frames, 2, 3)
    return ClipPrediction(cls_logits.softmax(-1), logits, query_inds)


def test_track_is_the_index_of_the_query():
    merger = QueryIndexMerger()
    assert merger.update([0, 1], clip([7, 2])).tolist() == [7, 2]
    assert merger.update([1, 2], clip([2, 9])).tolist() == [2, 9]
    assert merger.track_ids == [2, 7, 9]
    assert merger.open_tracks() == {2, 7, 9}
    frames = merger.pop_final(None)
    assert [frame.track_ids for frame in frames] == [[2, 7], [2, 7, 9], [2, 9]]
    for frame in frames:
        assert frame.masks.logits[:, 0, 0].tolist() == frame.track_ids
    # Gone from the screen, a query may come back.
    merger.pop_final(9)
    assert merger.open_tracks() == {2, 7, 9}
    assert merger.update([9], clip([7], 1)).tolist() == [7]


def test_masks_of_overlapping_clips_are_averaged():
    merger = QueryIndexMerger()
    first = clip([1])
    merger.update([0, 1], first)
    merger.update(
        [1, 2], ClipPrediction(first.cls_probs, first.mask_logits + 4, first.query_inds)
    )
    means = [frame.masks.logits.mean().item() for frame in merger.pop_final(None)]
    assert means == [1, 3, 5]


def test_mean_of_probabilities_or_of_logits():
    torch.manual_seed(0)
    logits = torch.randn(3, 2, 4) * 6  # (clips, queries, K+1)
    for average_logits in (True, False):
        merger = TASK_UTILS.build(
            dict(type='QueryIndexMerger', average_logits=average_logits)
        )
        for t, cls_logits in enumerate(logits):
            merger.update([t], clip([0, 1], 1, cls_logits))
        expected = (
            logits.mean(0).softmax(-1) if average_logits else logits.softmax(-1).mean(0)
        )
        torch.testing.assert_close(merger.cls_probs(), expected, rtol=1e-5, atol=1e-7)
        torch.testing.assert_close(merger.cls_probs([1]), merger.cls_probs()[1:])


def test_probabilities_of_zero_keep_the_mean_finite():
    merger = QueryIndexMerger(average_logits=True)
    probs = torch.tensor([[1.0, 0.0, 0.0]])
    for t in range(2):
        masks = torch.zeros(1, 1, 2, 3)
        merger.update([t], ClipPrediction(probs, masks, torch.tensor([0])))
    assert merger.cls_probs()[0].tolist() == pytest.approx([1, 0, 0], abs=1e-30)


def test_masks_of_a_single_clip_stay_in_their_boxes():
    merger = QueryIndexMerger()
    prediction = RoIClipPrediction(
        torch.tensor([[0.5, 0.5], [0.4, 0.6]]),
        torch.randn(2, 2, 5, 5),
        torch.rand(2, 2, 4),
        (6, 8),
        torch.tensor([8, 3]),
    )
    merger.update([0, 4], prediction, is_only_clip=True)
    for t, frame in enumerate(merger.pop_final(None)):
        assert frame.track_ids == [3, 8]
        assert torch.equal(frame.masks.logits, prediction.roi_logits[[1, 0], t])
        assert torch.equal(frame.masks.bboxes, prediction.bboxes[[1, 0], t])


def test_no_predictions():
    merger = QueryIndexMerger(average_logits=True)
    merger.update(
        [0],
        ClipPrediction(
            torch.zeros(0, 3), torch.zeros(0, 1, 2, 2), torch.zeros(0).long()
        ),
    )
    assert merger.cls_probs().shape == (0, 3)


def test_mistakes():
    with pytest.raises(ValueError, match=r'gives `query_inds=None`\. Take'):
        QueryIndexMerger().update(
            [0], ClipPrediction(torch.ones(1, 3), torch.ones(1, 1, 2, 2))
        )
    with pytest.raises(TypeError, match='`average_logits` must be True or False'):
        QueryIndexMerger(average_logits=1)
