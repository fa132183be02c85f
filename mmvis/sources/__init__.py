"""Sources of frames: files, folders, arrays, generators, cameras, URLs."""

from mmvis.lazy_exports import lazy_exports

_MODULES = {
    'arrays': ['ArrayFrames', 'GeneratedFrames', 'to_frame'],
    'frame_source': ['Frame', 'FrameSource'],
    'image_files': ['FrameFiles', 'ImageSource', 'natural_key'],
    'live': ['VideoURL', 'Webcam'],
    'opening': ['open_sources'],
    'video_file': ['VideoFile'],
}
__getattr__ = lazy_exports(__name__, _MODULES)  # arrays need torch, video files do not
__all__ = sorted(name for names in _MODULES.values() for name in names)
