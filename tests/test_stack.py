"""Imports of mmvis change MMEngine in no other way than `mmvis.stack` says."""

import importlib
import subprocess
import sys

import pytest

from mmvis.stack import import_mmdet_datasets

CODE = """
from mmengine.fileio.backends.registry_utils import backends, prefix_to_backends
from mmengine.runner import CheckpointLoader

before = dict(CheckpointLoader._schemes), dict(backends), dict(prefix_to_backends)
import mmvis.apis, mmvis.datasets, mmvis.engine, mmvis.evaluation, mmvis.models
import mmvis.converters.convert_file, mmvis.visualization
assert (CheckpointLoader._schemes, backends, prefix_to_backends) == before
"""


def test_imports_replace_no_registry_and_print_nothing():
    done = subprocess.run(
        [sys.executable, '-c', CODE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ''


def test_output_of_mmdetection_is_shown_except_one_line(monkeypatch, capsys):
    def print_lines(name):
        sys.stdout.write(
            'Could not import OneDL. Skipping OneDL datasets.\nsomething else\n'
        )

    monkeypatch.setattr(importlib, 'import_module', print_lines)
    import_mmdet_datasets()
    assert capsys.readouterr().out == 'something else\n'


def test_signatures_of_layers_are_inspected_once(monkeypatch):
    from mmengine.utils import deprecated_api_warning, misc

    @deprecated_api_warning({'old': 'new'})
    def layer(x, new=0):
        return x + new

    assert layer(1, new=2) == 3
    inspected = misc.getfullargspec.cache_info().misses
    with pytest.warns(DeprecationWarning, match='"old" is deprecated'):
        assert layer(1, old=2) == 3
    assert misc.getfullargspec.cache_info().misses == inspected
