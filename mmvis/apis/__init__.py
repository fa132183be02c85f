"""Python interface: models and inference."""

from mmvis.apis.init_model import init_model
from mmvis.apis.vis_inferencer import VISInferencer

__all__ = ['VISInferencer', 'init_model']
