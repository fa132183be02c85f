"""Results of frames and videos, and output files."""

from mmvis.outputs.formats import (
    DEFAULT_FORMATS,
    FORMATS,
    VideoFacts,
    endings_of,
    write_frames,
)
from mmvis.outputs.frame_result import FrameResult, TrackInFrame
from mmvis.outputs.output_files import OutputFiles, safe_name
from mmvis.outputs.video_result import Track, VideoResult, best_rows

__all__ = [
    'DEFAULT_FORMATS',
    'FORMATS',
    'FrameResult',
    'OutputFiles',
    'Track',
    'TrackInFrame',
    'VideoFacts',
    'VideoResult',
    'best_rows',
    'endings_of',
    'safe_name',
    'write_frames',
]
