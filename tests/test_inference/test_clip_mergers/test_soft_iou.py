import pytest
import torch

from mmvis.inference.clip_mergers import soft_iou


def test_hand_computed_values():
    # One frame of 1 x 2 pixels each.
    a = torch.tensor([[[[1.0, 0.0]]], [[[0.5, 0.5]]]])  # (2, 1, 1, 2)
    b = torch.tensor([[[[1.0, 0.0]]], [[[0.0, 1.0]]], [[[0.0, 0.0]]]])
    expected = torch.tensor([[1.0, 0.0, 0.0], [0.5 / 1.5, 0.5 / 1.5, 0.0]])
    torch.testing.assert_close(soft_iou(a, b), expected, atol=2e-6, rtol=0)


def test_frames_are_pooled_not_averaged():
    a = torch.zeros(1, 2, 1, 4)
    b = torch.zeros(1, 2, 1, 4)
    a[0, 0, 0, :3] = 1  # 3 pixels agree in the first frame
    b[0, 0, 0, :3] = 1
    b[0, 1, 0, :1] = 1  # 1 pixel is only in b in the second
    assert soft_iou(a, b).item() == pytest.approx(3 / 4, abs=1e-6)


def test_equals_the_definition_on_random_tubes():
    torch.manual_seed(0)
    a, b = torch.rand(3, 2, 4, 5), torch.rand(6, 2, 4, 5)
    product = a[:, None] * b[None]
    union = a[:, None] + b[None] - product
    expected = product.sum((2, 3, 4)) / union.sum((2, 3, 4))
    torch.testing.assert_close(soft_iou(a, b), expected)


@pytest.mark.parametrize('shape', [(2, 3, 4, 5), (2, 2, 5, 4)])
def test_different_frames_are_refused(shape):
    with pytest.raises(ValueError, match='same frames and size'):
        soft_iou(torch.rand(1, 2, 4, 5), torch.rand(*shape))


@pytest.mark.parametrize(('num_a', 'num_b'), [(0, 3), (3, 0), (0, 0)])
def test_empty_sets(num_a, num_b):
    result = soft_iou(torch.rand(num_a, 2, 4, 5), torch.rand(num_b, 2, 4, 5))
    assert result.shape == (num_a, num_b)
