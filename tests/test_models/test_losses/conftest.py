import pytest
import torch


@pytest.fixture
def pixel_points(monkeypatch):
    """Let the centres of all 16 x 24 pixels be the points where masks are compared."""
    y, x = ((torch.arange(n) + 0.5) / n for n in (16, 24))
    points = torch.cartesian_prod(y, x).flip(1)
    where = 'mmvis.models.losses.mask_comparison'

    def for_each(logits, *_):
        return points.expand(len(logits), -1, -1)

    monkeypatch.setattr(f'{where}.get_uncertain_point_coords_with_randomness', for_each)
    monkeypatch.setattr(
        f'{where}.torch.rand', lambda n, *_, **__: points.expand(n, -1, -1)
    )
