"""Factories for tests."""

from mmvis.testing.tiny_vis import make_tiny_vis, rle_of

__all__ = ['make_tiny_vis', 'rle_of']
