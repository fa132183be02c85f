"""Registries of mmvis, children of MMDetection's.

A config with ``default_scope = 'mmvis'`` finds the components of mmvis first,
then MMDetection's and MMEngine's, without any prefix.
"""

from mmdet import registry as mmdet_registry
from mmengine import registry as mmengine_registry
from mmengine.registry import Registry

__all__ = [
    'DATASETS',
    'DATA_SAMPLERS',
    'EVALUATORS',
    'HOOKS',
    'LOG_PROCESSORS',
    'LOOPS',
    'METRICS',
    'MODELS',
    'MODEL_WRAPPERS',
    'OPTIMIZERS',
    'OPTIM_WRAPPERS',
    'OPTIM_WRAPPER_CONSTRUCTORS',
    'PARAM_SCHEDULERS',
    'RUNNERS',
    'STRATEGIES',
    'TASK_UTILS',
    'TRANSFORMS',
    'VISBACKENDS',
    'VISUALIZERS',
    'WEIGHT_INITIALIZERS',
]


def _child(name: str, parent: Registry, location: str) -> Registry:
    return Registry(name, parent=parent, scope='mmvis', locations=[location])


DATASETS = _child('dataset', mmdet_registry.DATASETS, 'mmvis.datasets')
DATA_SAMPLERS = _child('data sampler', mmdet_registry.DATA_SAMPLERS, 'mmvis.datasets')
TRANSFORMS = _child('transform', mmdet_registry.TRANSFORMS, 'mmvis.datasets.transforms')
MODELS = _child('model', mmdet_registry.MODELS, 'mmvis.models')
TASK_UTILS = _child('task util', mmdet_registry.TASK_UTILS, 'mmvis.models')
METRICS = _child('metric', mmdet_registry.METRICS, 'mmvis.evaluation.vis_metric')
HOOKS = _child('hook', mmdet_registry.HOOKS, 'mmvis.engine.hooks')
LOOPS = _child('loop', mmdet_registry.LOOPS, 'mmvis.engine.loops')
VISUALIZERS = _child('visualizer', mmdet_registry.VISUALIZERS, 'mmvis.visualization')

# Without a child of each kind MMEngine would warn that it falls back to its own.
EVALUATORS = _child('evaluator', mmdet_registry.EVALUATOR, 'mmvis.evaluation')
LOG_PROCESSORS = _child('log_processor', mmdet_registry.LOG_PROCESSORS, 'mmvis.engine')
MODEL_WRAPPERS = _child('model_wrapper', mmdet_registry.MODEL_WRAPPERS, 'mmvis.models')
OPTIMIZERS = _child('optimizer', mmdet_registry.OPTIMIZERS, 'mmvis.engine')
OPTIM_WRAPPERS = _child('optim_wrapper', mmdet_registry.OPTIM_WRAPPERS, 'mmvis.engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child(
    'optimizer wrapper constructor',
    mmdet_registry.OPTIM_WRAPPER_CONSTRUCTORS,
    'mmvis.engine.optimizers',
)
PARAM_SCHEDULERS = _child(
    'parameter scheduler', mmdet_registry.PARAM_SCHEDULERS, 'mmvis.engine.schedulers'
)
RUNNERS = _child('runner', mmdet_registry.RUNNERS, 'mmvis.engine.runner')
# MMDetection has none of its own.
STRATEGIES = _child('strategy', mmengine_registry.STRATEGIES, 'mmvis.engine.strategies')
VISBACKENDS = _child('vis_backend', mmdet_registry.VISBACKENDS, 'mmvis.visualization')
WEIGHT_INITIALIZERS = _child(
    'weight initializer', mmdet_registry.WEIGHT_INITIALIZERS, 'mmvis.models'
)
