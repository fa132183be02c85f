"""Changes to MMEngine, MMCV and MMDetection at import.

These are all changes; none of them can be avoided:

- MMCV installed without compiled operators cannot be imported by MMDetection, see
  :mod:`mmvis.ops.mmcv_ext`.
- MMEngine reads configs by package name, 'mmdet::FOLDER/NAME.py', only of a fixed list
  of packages and only from a folder. The configs of mmvis are 'mmvis::NAME.py'.
- MMEngine inspects the signature of a layer of MMCV each time that it is called; it is
  remembered.
- MMEngine finds the parts of a parent registry only where somebody imported them, and
  OneDL's MMDetection prints a line about an optional package when it is imported.

Where a config is read, :func:`read_yaml_safely` replaces MMEngine's reader of YAML, in
which a tag can call any function. Where a run starts,
:func:`mmvis.engine.checkpoint_schemes.use_safe_checkpoint_files` changes how MMEngine
reads and writes checkpoints.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import sys
from collections.abc import Sequence
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import IO, Any

import yaml
from mmengine.config import config as config_module
from mmengine.config import utils as config_utils
from mmengine.fileio import register_handler
from mmengine.fileio.handlers.yaml_handler import YamlHandler
from mmengine.utils import misc

__all__ = ['adapt_stack', 'import_mmdet_datasets', 'read_yaml_safely']

_PACKAGE = 'mmvis'
_NOTICE = 'Could not import OneDL. Skipping OneDL datasets.'


def adapt_stack() -> None:
    """Prepare MMCV and MMEngine; called once, when mmvis is imported."""
    sys.meta_path.append(_MmcvExtFinder())
    misc.getfullargspec = cache(inspect.getfullargspec)
    config_utils.MODULE2PACKAGE[_PACKAGE] = _PACKAGE
    # Modules that have it by name. MMEngine's hub is imported on demand.
    hub: Any = sys.modules.get('mmengine.hub.hub')
    for module in (config_utils, config_module, hub):
        if module is not None:
            module._get_package_and_cfg_path = _split_config_name


class _PlainLoader(yaml.SafeLoader):
    """Reads plain data, and the tuples that MMEngine writes."""


def _construct_tuple(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> tuple:
    return tuple(loader.construct_sequence(node, deep=True))


_PlainLoader.add_constructor('tag:yaml.org,2002:python/tuple', _construct_tuple)


class _PlainYamlHandler(YamlHandler):
    def load_from_fileobj(self, file: IO, **kwargs: Any) -> Any:
        return super().load_from_fileobj(file, Loader=_PlainLoader)


def read_yaml_safely() -> None:
    """Let MMEngine read YAML as data alone, for configs and their bases."""
    register_handler(['yaml', 'yml'])(_PlainYamlHandler)


class _MmcvExtFinder(MetaPathFinder, Loader):
    """Finds ``mmcv._ext`` where nothing else does, as the stand-in.

    It is made when mmcv asks for it: importing mmvis alone does not import torch.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: object = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname == 'mmcv._ext' else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        from mmvis.ops.mmcv_ext import MmcvExtStandIn

        return MmcvExtStandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


def import_mmdet_datasets() -> None:
    """Import MMDetection's data sets; all that it prints but one line is shown."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        importlib.import_module('mmdet.datasets')
    for line in printed.getvalue().splitlines():
        if line != _NOTICE:
            print(line)  # noqa: T201 - printed by MMDetection


_split_mmengine_name = config_utils._get_package_and_cfg_path


def _split_config_name(name: str) -> tuple[str, str]:
    """Split 'package::path' of a config.

    Example:
        >>> _split_config_name('mmvis::ifc_r50.py')
        ('mmvis', 'ifc_r50.py')
    """
    package, _, path = name.partition('::')
    if package == _PACKAGE and path and '::' not in path:
        return package, path
    return _split_mmengine_name(name)
