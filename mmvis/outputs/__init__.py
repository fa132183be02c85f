"""Results of frames and videos, and output files."""

from mmvis.lazy_exports import lazy_exports

_MODULES = {
    'formats': ['DEFAULT_FORMATS', 'FORMATS', 'endings_of'],
    'frame_result': ['FrameResult', 'TrackInFrame'],
    'frame_writers': ['write_frames'],
    'output_files': ['OutputFiles', 'safe_name'],
    'video_facts': ['VideoFacts'],
    'video_result': ['Track', 'VideoResult', 'best_rows'],
}
__getattr__ = lazy_exports(__name__, _MODULES)  # results need torch, names do not
__all__ = sorted(name for names in _MODULES.values() for name in names)
