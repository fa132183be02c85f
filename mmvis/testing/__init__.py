"""Factories for tests."""

from mmvis.testing.golden import find_golden, load_pseudo
from mmvis.testing.tiny_video import make_tiny_video, tiny_frame, turn_video
from mmvis.testing.tiny_vis import make_tiny_vis, rle_of
from mmvis.testing.videomt import videomt_cfg

__all__ = [
    'find_golden',
    'load_pseudo',
    'make_tiny_video',
    'make_tiny_vis',
    'rle_of',
    'tiny_frame',
    'turn_video',
    'videomt_cfg',
]
