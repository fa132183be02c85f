"""Videos as streams: from clips to tracks, without any network."""

from mmvis.inference.test_cfg import TestCfg
from mmvis.inference.track_recorder import TrackRecorder
from mmvis.inference.video_stream import VideoStream

__all__ = ['TestCfg', 'TrackRecorder', 'VideoStream']
