import pytest
import torch
from torch.nn import functional as F

from mmvis.models.losses import DenseMasks, PointMasks


def test_dense_pairs_are_cells_of_the_shrunk_target():
    masks = torch.zeros(1, 2, 8, 16)
    masks[0, 1, :4, :6] = 1
    dense = DenseMasks(mask_stride=4)
    targets = dense.prepare(masks)
    assert targets.shape == (1, 2, 2, 4)
    logits, values = dense.pairs(torch.ones(1, 2, 1, 2), targets)
    assert logits.shape == values.shape == (1, 2, 8)
    assert values[0, 1].tolist() == [1, 0.5, 0, 0, 0, 0, 0, 0]


def bilinear(values, x, y):
    """Value at the point (x, y) of the unit square, cells' centres in between."""
    grid = torch.tensor([[[[2 * x - 1, 2 * y - 1]]]])
    return F.grid_sample(values[None, None], grid, align_corners=False).item()


def test_points_are_sampled_from_prediction_and_target_alike(monkeypatch):
    points = torch.tensor([[[0.3, 0.6], [0.9, 0.1]]])
    monkeypatch.setattr(
        'mmvis.models.losses.mask_comparison.get_uncertain_point_coords_with_randomness',
        lambda logits, *_: points.expand(len(logits), -1, -1),
    )
    logits, masks = torch.randn(1, 1, 3, 4), torch.rand(1, 1, 12, 16)
    values, targets = PointMasks(num_points=2).pairs(logits, masks)
    for p, (x, y) in enumerate(points[0].tolist()):
        assert values[0, 0, p].item() == pytest.approx(bilinear(logits[0, 0], x, y))
        assert targets[0, 0, p].item() == pytest.approx(bilinear(masks[0, 0], x, y))


def mean_uncertainty(**changes):
    torch.manual_seed(0)
    columns = torch.linspace(-10, 10, 40).expand(1, 1, 40, 40)
    masks = PointMasks(num_points=400, **changes)
    values, _ = masks.pairs(columns, (columns > 0).float())
    return values.abs().mean().item()


def test_most_points_lie_where_the_prediction_is_uncertain():
    # |logit| of a uniform point is 5 on average; the least third of it is below 3.33.
    uniform = mean_uncertainty(importance_sample_ratio=0.0)
    kept = mean_uncertainty(importance_sample_ratio=1.0)
    assert uniform == pytest.approx(5, abs=0.4)
    assert kept == pytest.approx(5 / 3, abs=0.2)
    assert mean_uncertainty() == pytest.approx(0.75 * 5 / 3 + 0.25 * 5, abs=0.3)


def test_candidates_of_a_frame_share_their_points():
    torch.manual_seed(0)
    ramp = torch.linspace(0, 1, 64).view(8, 8)
    logits = torch.stack([ramp, 2 * ramp, 3 * ramp])[:, None].expand(3, 2, 8, 8)
    values, targets = PointMasks(num_points=5).candidates(logits, logits[:1])
    assert values.shape == (3, 2, 5)
    torch.testing.assert_close(targets, values[:1])
    torch.testing.assert_close(values[2], 3 * values[0])
    assert not torch.allclose(values[0, 0], values[0, 1])  # other points in frame 1


def test_gradients_reach_the_logits_at_the_points():
    logits = torch.randn(2, 3, 4, 6, requires_grad=True)
    values, targets = PointMasks(num_points=7).pairs(logits, torch.ones(2, 3, 16, 24))
    assert values.shape == targets.shape == (2, 3, 7)
    values.sum().backward()
    assert (logits.grad.abs().sum((2, 3)) > 0).all()


def test_no_masks():
    values, targets = PointMasks().pairs(
        torch.zeros(0, 2, 4, 4), torch.zeros(0, 2, 8, 8)
    )
    assert len(values) == len(targets) == 0


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(num_points=0), 'must be at least 1, got 0 and 3'),
        (dict(oversample_ratio=0.5), 'must be at least 1, got 12544 and 0.5'),
        (dict(importance_sample_ratio=1.5), r'must be in \[0, 1\], got 1.5'),
    ],
)
def test_wrong_values_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        PointMasks(**changes)
