"""Factories for tests."""

from mmvis.testing.golden import find_golden, load_pseudo
from mmvis.testing.tiny_vis import make_tiny_vis, rle_of
from mmvis.testing.videomt import videomt_cfg

__all__ = ['find_golden', 'load_pseudo', 'make_tiny_vis', 'rle_of', 'videomt_cfg']
