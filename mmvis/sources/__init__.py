"""Sources of frames: files, folders, arrays, generators, cameras, URLs."""

from mmvis.sources.arrays import ArrayFrames, GeneratedFrames, to_frame
from mmvis.sources.frame_source import Frame, FrameSource
from mmvis.sources.image_files import FrameFiles, ImageSource, natural_key
from mmvis.sources.live import VideoURL, Webcam
from mmvis.sources.open_sources import open_sources
from mmvis.sources.video_file import VideoFile

__all__ = [
    'ArrayFrames',
    'Frame',
    'FrameFiles',
    'FrameSource',
    'GeneratedFrames',
    'ImageSource',
    'VideoFile',
    'VideoURL',
    'Webcam',
    'natural_key',
    'open_sources',
    'to_frame',
]
