"""Registries of mmvis, children of MMDetection's.

A config with ``default_scope = 'mmvis'`` finds the components of mmvis first,
then MMDetection's and MMEngine's, without any prefix.
"""

from mmdet import registry as mmdet_registry
from mmengine.registry import Registry

__all__ = [
    'DATASETS',
    'DATA_SAMPLERS',
    'HOOKS',
    'METRICS',
    'MODELS',
    'TASK_UTILS',
    'TRANSFORMS',
    'VISUALIZERS',
]


def _child(name: str, parent: Registry, location: str) -> Registry:
    return Registry(name, parent=parent, scope='mmvis', locations=[location])


DATASETS = _child('dataset', mmdet_registry.DATASETS, 'mmvis.datasets')
DATA_SAMPLERS = _child('data sampler', mmdet_registry.DATA_SAMPLERS, 'mmvis.datasets')
TRANSFORMS = _child('transform', mmdet_registry.TRANSFORMS, 'mmvis.datasets.transforms')
MODELS = _child('model', mmdet_registry.MODELS, 'mmvis.models')
TASK_UTILS = _child('task util', mmdet_registry.TASK_UTILS, 'mmvis.models')
METRICS = _child('metric', mmdet_registry.METRICS, 'mmvis.evaluation')
HOOKS = _child('hook', mmdet_registry.HOOKS, 'mmvis.engine.hooks')
VISUALIZERS = _child('visualizer', mmdet_registry.VISUALIZERS, 'mmvis.visualization')
