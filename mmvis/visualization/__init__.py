"""Pictures and videos of tracks."""

from .draw_tracks import draw_tracks
from .ground_truth import gt_tracks
from .overlay_video import write_overlay_video
from .palette import track_colour
from .strip import draw_strip, write_image, write_strip
from .vis_visualizer import VISVisualizer

__all__ = [
    'VISVisualizer',
    'draw_strip',
    'draw_tracks',
    'gt_tracks',
    'track_colour',
    'write_image',
    'write_overlay_video',
    'write_strip',
]
