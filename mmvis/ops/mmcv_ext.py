"""Replacement of ``mmcv._ext`` where mmcv was installed without compiling."""

import importlib
import types
from collections.abc import Callable
from typing import Any, NoReturn

from mmvis.ops.mmcv_kernels import KERNELS

__all__ = ['MmcvExtStandIn', 'has_compiled_ops']

_NAME = 'mmcv._ext'


class MmcvExtStandIn(types.ModuleType):
    """Module that has the functions of ``mmcv._ext``, without compiled code.

    RoIAlign and deformable convolution work (:mod:`mmvis.ops.mmcv_kernels`), and
    with them all of mmcv and MMDetection that is built on them. Every other
    function exists, since mmcv asks for all at import, and fails when called.
    """

    def __getattr__(self, name: str) -> Callable:
        if name.startswith('__'):
            raise AttributeError(name)
        return KERNELS[name] if name in KERNELS else _missing(name)


def _missing(name: str) -> Callable:
    def missing(*args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(
            f'The compiled mmcv operator "{name}" is not installed. mmvis does not '
            'need it; the component that called it does. Choose another component, '
            'or build mmcv with operators where torch and a compiler are at hand: '
            '`MMCV_WITH_OPS=1 pip install --force-reinstall --no-deps '
            '--no-build-isolation --no-binary :all: onedl-mmcv` for the OneDL '
            'stack; `pip uninstall -y mmcv-lite && MMCV_WITH_OPS=1 pip install '
            '--no-deps --no-build-isolation "mmcv==2.1.0"` for the OpenMMLab stack.'
        )

    return missing


def has_compiled_ops() -> bool:
    """Whether mmcv's own compiled operators are installed."""
    return not isinstance(importlib.import_module(_NAME), MmcvExtStandIn)
