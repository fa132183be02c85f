"""Model zoo: published weights by name."""

from mmvis.lazy_exports import lazy_exports

_MODULES = {
    'cache': ['cache_folder'],
    'download': ['RemoteFile', 'fetch_file'],
    'model_index': ['ZooModel', 'find_config', 'find_model', 'list_models'],
    'weights': ['fetch_weights'],
}
__getattr__ = lazy_exports(__name__, _MODULES)  # converting weights needs torch
__all__ = sorted(name for names in _MODULES.values() for name in names)
