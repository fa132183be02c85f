"""Models for use outside of a runner."""

from mmvis.apis.init_model import init_model
from mmvis.apis.video_file import VideoFile
from mmvis.apis.vis_inferencer import VISInferencer

__all__ = ['VISInferencer', 'VideoFile', 'init_model']
