"""A stand-in for ``mmcv._ext`` where mmcv was installed without compiling."""

import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Callable

__all__ = ['ensure_mmcv_ext']


class _MissingExt(types.ModuleType):
    """Module whose every function exists and fails, with advice, when called."""

    def __getattr__(self, name: str) -> Callable:
        if name.startswith('__'):
            raise AttributeError(name)

        def missing(*args, **kwargs):
            raise RuntimeError(
                f'The compiled mmcv operator "{name}" is not installed. mmvis does '
                'not need it; the component that called it does. Install mmcv with '
                'compiled operators, or choose another component.'
            )

        return missing


def ensure_mmcv_ext() -> None:
    """Register the stand-in unless compiled operators are there."""
    if importlib.util.find_spec('mmcv._ext') is not None:
        return
    ext = _MissingExt('mmcv._ext')
    ext.__spec__ = importlib.machinery.ModuleSpec('mmcv._ext', loader=None)
    sys.modules['mmcv._ext'] = ext
