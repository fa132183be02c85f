import math

import torch

from mmvis.models.layers import rotary_position, rotate_tokens


def test_angles_are_those_of_the_patch_centres():
    cosines, sines = rotary_position((2, 5), 8, torch.zeros(1), base=100)
    assert cosines.shape == sines.shape == (10, 8)
    # Patch (1, 3): y = 0.5, x = 0.4; frequencies 1 and 100**-0.5.
    angles = [2 * math.pi * f * p for p in (0.5, 0.4) for f in (1, 0.1)] * 2
    expected = torch.tensor(angles)
    torch.testing.assert_close(cosines[8], expected.cos())
    torch.testing.assert_close(sines[8], expected.sin())


def test_only_patches_are_rotated():
    tokens = torch.randn(2, 3, 7, 8)
    cosines, sines = rotary_position((2, 2), 8, tokens)
    turned = rotate_tokens(tokens, cosines, sines)
    assert torch.equal(turned[:, :, :3], tokens[:, :, :3])
    # Channel c turns with channel c + 4.
    a, b = tokens[1, 2, 5, 1], tokens[1, 2, 5, 5]
    cos, sin = cosines[2, 1], sines[2, 1]
    torch.testing.assert_close(turned[1, 2, 5, 1], a * cos - b * sin)
    torch.testing.assert_close(turned[1, 2, 5, 5], b * cos + a * sin)
    torch.testing.assert_close(turned.norm(dim=-1), tokens.norm(dim=-1))
