"""Models for use outside of a runner."""

from mmvis.apis.init_model import init_model
from mmvis.apis.vis_inferencer import VISInferencer

__all__ = ['VISInferencer', 'init_model']
