"""Images and videos of tracks."""

from .draw_tracks import draw_tracks, enlargement
from .ground_truth import gt_tracks
from .labels import LabelLayout
from .overlay_video import OVERLAY_MIN_SIDE, write_overlay_video
from .palette import track_colour
from .strip import (
    STRIP_MIN_SIDE,
    EvenlySpaced,
    draw_strip,
    join_strip,
    write_image,
    write_strip,
)
from .video_writer import VideoWriter
from .vis_visualizer import VISVisualizer
from .wandb_backend import WandbBackend

__all__ = [
    'OVERLAY_MIN_SIDE',
    'STRIP_MIN_SIDE',
    'EvenlySpaced',
    'LabelLayout',
    'VISVisualizer',
    'VideoWriter',
    'WandbBackend',
    'draw_strip',
    'draw_tracks',
    'enlargement',
    'gt_tracks',
    'join_strip',
    'track_colour',
    'write_image',
    'write_overlay_video',
    'write_strip',
]
