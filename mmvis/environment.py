"""Check of what is installed, made once when mmvis is imported."""

import importlib
import re
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

__all__ = ['STACKS', 'SUPPORTED', 'check_environment']

#: Supported versions: distribution -> (lowest, first that is too new).
SUPPORTED = {
    'torch': ((2, 4), (3,)),
    'onedl-mmengine': ((0, 10, 8), (1,)),
    'onedl-mmcv': ((2, 3), (3,)),
    'onedl-mmdetection': ((3, 5), (4,)),
    'mmengine': ((0, 10, 5), (1,)),
    'mmcv': ((2, 1), (2, 2)),
    'mmcv-lite': ((2, 1), (2, 2)),
    'mmdet': ((3, 3), (3, 4)),
}

#: The distributions of each stack; the import names are the same in both.
STACKS = {
    'OneDL': (('onedl-mmengine',), ('onedl-mmcv',), ('onedl-mmdetection',)),
    'OpenMMLab': (('mmengine',), ('mmcv-lite', 'mmcv'), ('mmdet',)),
}

_STACK_ADVICE = (
    'Run `bash tools/install.sh` in the source tree, or install one of the two '
    'stacks with `pip install --no-deps -c requirements/constraints.txt -r '
    'requirements/onedl.txt` (or `requirements/openmmlab.txt`).'
)
_TORCH_ADVICE = 'Install it as https://pytorch.org says for your machine.'
_OPENCV_ADVICE = (
    'The package opencv-python needs the system library libGL. Replace it by the '
    'headless one: `pip uninstall -y opencv-python && pip install '
    '--force-reinstall --no-deps opencv-python-headless`.'
)

FindVersion = Callable[[str], str | None]


def installed_version(distribution: str) -> str | None:
    """Find the version of an installed distribution, None if it is absent."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def check_environment(find_version: FindVersion = installed_version) -> None:
    """Raise one clear error if mmvis cannot work with what is installed.

    Args:
        find_version (Callable): Gives the version of a distribution, or None.
            Defaults to the one that asks the running interpreter.

    Raises:
        ImportError: If torch or a stack is missing, a version lies outside the
            supported range, both stacks are mixed, or OpenCV cannot be loaded.
    """
    _check_version('torch', find_version('torch'), _TORCH_ADVICE)
    _check_stack(find_version)
    try:
        importlib.import_module('cv2')
    except ImportError as error:
        raise ImportError(f'OpenCV cannot be loaded: {error}. {_OPENCV_ADVICE}') from (
            error
        )


def _check_stack(find_version: FindVersion) -> None:
    """Check that one stack is complete, and that it is the only one."""
    found = {
        stack: [_first_found(names, find_version) for names in parts]
        for stack, parts in STACKS.items()
    }
    begun = [stack for stack, parts in found.items() if any(parts)]
    if not begun:
        raise ImportError(
            'Neither onedl-mmdetection nor mmdet is installed; mmvis builds on '
            f'one of them. {_STACK_ADVICE}'
        )
    if len(begun) > 1:
        both = ', '.join(name for parts in found.values() for name in parts if name)
        raise ImportError(
            f'Parts of both stacks are installed ({both}), and they overwrite '
            'each other: both are imported as mmengine, mmcv and mmdet. Keep one '
            f'stack per environment. {_STACK_ADVICE}'
        )
    stack = begun[0]
    for name, names in zip(found[stack], STACKS[stack]):
        wanted = name or names[0]
        _check_version(wanted, name and find_version(name), _STACK_ADVICE)


def _first_found(names: tuple[str, ...], find_version: FindVersion) -> str | None:
    return next((name for name in names if find_version(name) is not None), None)


def _check_version(name: str, found: str | None, advice: str) -> None:
    low, high = SUPPORTED[name]
    wanted = f'>={_dotted(low)},<{_dotted(high)}'
    if found is None:
        raise ImportError(f'{name} is not installed; mmvis needs {wanted}. {advice}')
    if not low <= _release(found) < high:
        raise ImportError(
            f'{name} {found} is installed; mmvis supports {wanted}. {advice}'
        )


def _release(text: str) -> tuple[int, ...]:
    """Read the release numbers: '2.13.0+cpu' and '2.13.0rc1' give (2, 13, 0)."""
    numbers = re.match(r'\d+(\.\d+)*', text)
    return tuple(int(n) for n in numbers.group().split('.')) if numbers else ()


def _dotted(release: tuple[int, ...]) -> str:
    return '.'.join(map(str, release))
