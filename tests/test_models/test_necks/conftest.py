import pytest
import torch

from mmvis.structures import ClipFeatures

B, H, W = 2, 5, 6


@pytest.fixture
def make_features():
    """Random maps (B=2, T, 8, 10, 12) and (B=2, T, 12, 5, 6), nothing padded."""

    def make(num_frames=3):
        generator = torch.Generator().manual_seed(1)
        maps = (
            torch.randn(B, num_frames, 8, 2 * H, 2 * W, generator=generator),
            torch.randn(B, num_frames, 12, H, W, generator=generator),
        )
        masks = tuple(m.new_zeros(B, num_frames, *m.shape[-2:]).bool() for m in maps)
        return ClipFeatures(maps, (8, 16), masks)

    return make
