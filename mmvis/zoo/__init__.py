"""Model zoo: published weights by name."""

from mmvis.zoo.cache import cache_folder
from mmvis.zoo.download import RemoteFile, fetch_file
from mmvis.zoo.model_index import ZooModel, find_config, find_model, list_models
from mmvis.zoo.weights import fetch_weights

__all__ = [
    'RemoteFile',
    'ZooModel',
    'cache_folder',
    'fetch_file',
    'fetch_weights',
    'find_config',
    'find_model',
    'list_models',
]
