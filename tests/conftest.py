import importlib.util
import itertools
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mmengine.registry import DefaultScope, init_default_scope

from mmvis.datasets.shapes_vis import SIZES, generate_shapes_vis

REPO = Path(__file__).parents[1]
TINY_CONFIG = REPO / 'tests/data/configs/ifc_tiny.py'
_run_count = itertools.count()

# Sums depend on the number of threads in their last bits, and so do comparisons with
# what another process of one thread has computed.
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def without_amx(monkeypatch):
    """The fast mode computes in float32 on any CPU, unless a test asks otherwise."""
    monkeypatch.setattr(torch.cpu, '_is_amx_tile_supported', lambda: False)


@pytest.fixture
def mmvis_scope():
    """Look components up as a config with default_scope = 'mmvis' does."""
    init_default_scope('mmvis')
    yield
    # MMEngine has no public way back to no scope at all.
    DefaultScope._instance_dict.clear()


@pytest.fixture(scope='session')
def tiny_shapes(tmp_path_factory):
    """Data root with 3 training and 2 validation videos of 6 frames of 64 x 96."""
    spec = replace(
        SIZES['mini'],
        num_train=3,
        num_valid=2,
        num_train_frames=6,
        num_valid_frames=6,
    )
    root = tmp_path_factory.mktemp('data') / 'shapes'
    generate_shapes_vis(root, spec)
    return root


@pytest.fixture(scope='session')
def tiny_options(tiny_shapes):
    """Values of --cfg-options: the tiny config on tiny_shapes, without validation."""
    root = f'{tiny_shapes}/'
    return [
        f'train_dataloader.dataset.data_root={root}',
        f'test_dataloader.dataset.data_root={root}',
        'val_dataloader=None',
        'val_cfg=None',
        'val_evaluator=None',
    ]


@pytest.fixture(scope='session')
def tiny_config():
    return TINY_CONFIG


@pytest.fixture
def call_tool(monkeypatch):
    """Run a script, 'tools/train.py', in this process with its own command line."""

    def call(name, *args, options=()):
        path = REPO / name
        spec = importlib.util.spec_from_file_location(f'script_{path.stem}', path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        # MMEngine's loggers of one name and second would be one.
        options = [*options, f'experiment_name=run{next(_run_count)}']
        argv = [path, *args, '--cfg-options', *options]
        monkeypatch.setattr(sys, 'argv', [str(arg) for arg in argv])
        monkeypatch.setenv('LOCAL_RANK', '0')
        module.main()

    yield call
    # MMEngine has no public way back to no scope at all.
    DefaultScope._instance_dict.clear()


@pytest.fixture(scope='session')
def chromium():
    """Path of a browser to look at pages with."""
    names = ('chromium', 'chromium-browser', 'google-chrome')
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip('needs Chromium: apt install chromium')
    return path


@pytest.fixture
def free_port():
    """A port on which nothing listens, as text."""
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        return str(server.getsockname()[1])


@pytest.fixture
def start_process(tmp_path):
    """Start a command of the repository from another folder."""
    environment = dict(
        os.environ, PYTHON=sys.executable, PYTHONPATH=str(REPO), OMP_NUM_THREADS='1'
    )
    started = []

    def start(*command, **variables):
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=tmp_path,
            env={**environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.stdout.close()
        process.wait()
