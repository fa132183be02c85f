"""Factories for tests."""

from mmvis.testing.golden import find_golden, load_pseudo
from mmvis.testing.tiny_vis import make_tiny_vis, rle_of

__all__ = ['find_golden', 'load_pseudo', 'make_tiny_vis', 'rle_of']
