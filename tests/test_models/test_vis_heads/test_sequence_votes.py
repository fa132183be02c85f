import pytest
import torch

from mmvis.models.vis_heads import vote_classes


def probs_of(frames, num_outputs=5):
    """The given class has 0.6 in each frame, the others share the rest."""
    classes = torch.tensor(frames)
    probs = torch.full((*classes.shape, num_outputs), 0.4 / (num_outputs - 1))
    return probs.scatter(2, classes[..., None], 0.6)


def test_most_frequent_class_wins():
    winners, scores = vote_classes(
        probs_of([[1, 2, 2, 0], [0, 0, 1, 1], [2, 1, 1, 2]]), num_classes=3
    )
    assert winners.tolist() == [2, 0, 1]  # a tie goes to the smallest
    torch.testing.assert_close(scores, torch.full((3,), 0.6))


def test_unused_class_wins_ties_as_index_zero_of_the_original_does():
    winners, _ = vote_classes(probs_of([[3, 3, 0, 0], [3, 0, 0, 1]]), num_classes=3)
    assert winners.tolist() == [3, 0]


def test_no_object_neither_votes_nor_scores():
    """In frames of no-object the best of the others counts, the first of equals."""
    winners, scores = vote_classes(probs_of([[4, 4, 2]]), num_classes=3)
    assert winners.tolist() == [0]
    torch.testing.assert_close(scores, torch.tensor([(0.1 + 0.1 + 0.6) / 3]))


@pytest.mark.parametrize('seed', range(5))
def test_votes_do_not_depend_on_rounding(seed):
    """The first of equally probable classes gets the vote of a frame."""
    probs = torch.tensor([[0.3, 0.1, 0.3, 0.2, 0.1], [0.1, 0.3, 0.3, 0.2, 0.1]])
    probs = probs[[0, 1, 1]][None]
    noise = torch.rand(probs.shape, generator=torch.Generator().manual_seed(seed))
    winners, _ = vote_classes(probs + 2e-6 * (noise - 0.5), num_classes=3)
    assert winners.tolist() == [1]
