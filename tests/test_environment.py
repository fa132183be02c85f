"""One clear error for each way in which an installation can be incomplete."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmvis.environment import check_environment

ONEDL = {
    'torch': '2.13.0+cpu',
    'onedl-mmengine': '0.10.12',
    'onedl-mmcv': '2.3.6',
    'onedl-mmdetection': '3.5.1',
}
OPENMMLAB = {
    'torch': '2.13.0',
    'mmengine': '0.10.7',
    'mmcv-lite': '2.1.0',
    'mmdet': '3.3.0',
}


@pytest.mark.parametrize(
    'versions',
    [
        ONEDL,
        OPENMMLAB,
        {**OPENMMLAB, 'mmcv-lite': None, 'mmcv': '2.1.0'},
        {**ONEDL, 'torch': '2.14.0a0+git1234'},
    ],
)
def test_supported_installations_pass(versions):
    check_environment(versions.get)


@pytest.mark.parametrize(
    ('versions', 'match'),
    [
        ({}, r'torch is not installed; mmvis needs >=2\.4,<3.*pytorch\.org'),
        ({**ONEDL, 'torch': '1.13.1'}, r'torch 1\.13\.1 is installed.*>=2\.4,<3'),
        ({**ONEDL, 'torch': 'dev'}, r'torch dev is installed'),
        ({'torch': '2.13.0'}, r'Neither onedl-mmdetection nor mmdet .*install\.sh'),
        ({**ONEDL, 'onedl-mmcv': None}, r'onedl-mmcv is not installed.*onedl\.txt'),
        ({**OPENMMLAB, 'mmcv-lite': '2.2.0'}, r'mmcv-lite 2\.2\.0 .*>=2\.1,<2\.2'),
        ({**OPENMMLAB, 'mmdet': '2.28.0'}, r'mmdet 2\.28\.0 is installed'),
        ({**ONEDL, **OPENMMLAB}, r'Parts of both stacks.*onedl-mmcv.*mmcv-lite'),
    ],
)
def test_what_is_wrong_is_named_with_advice(versions, match):
    with pytest.raises(ImportError, match=match):
        check_environment(versions.get)


def test_opencv_without_libgl_gives_advice(tmp_path):
    """A cv2 that cannot load its library, as opencv-python without libGL."""
    (tmp_path / 'cv2.py').write_text(
        "raise ImportError('libGL.so.1: cannot open shared object file')"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, '-c', 'import mmvis'],
        env={**os.environ, 'PYTHONPATH': f'{tmp_path}:{root}'},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    last_line = done.stderr.strip().splitlines()[-1]
    assert 'libGL.so.1: cannot open' in last_line
    assert 'opencv-python-headless' in last_line
