"""Inference on streams of frames: from clips to tracks, without the network."""

from mmvis.inference.clip_mergers import (
    BaseClipMerger,
    IFCClipMerger,
    QueryIndexMerger,
    TrackClipMerger,
)
from mmvis.inference.final_frame import FinalFrame
from mmvis.inference.frame_tracks import FrameTracks
from mmvis.inference.test_cfg import TestCfg
from mmvis.inference.track_recorder import TrackRecorder
from mmvis.inference.video_stream import VideoStream

__all__ = [
    'BaseClipMerger',
    'FinalFrame',
    'FrameTracks',
    'IFCClipMerger',
    'QueryIndexMerger',
    'TestCfg',
    'TrackClipMerger',
    'TrackRecorder',
    'VideoStream',
]
