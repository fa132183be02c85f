"""Which torch tools/install.sh takes; pip only writes down how it is called."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
CPU_INDEX = 'https://download.pytorch.org/whl/cpu'
PYTHON = """#!/usr/bin/env bash
here="$(cd "$(dirname "$0")" && pwd)"
case "$*" in
  '-m pip --version') ;;
  '-m pip install'*)
    echo "${*#-m pip install }" >>"$here/calls"
    echo 'Collecting something'
    echo '  Downloading torch-2.13.0.whl (190 MB)'
    [[ "$*" != *--index-url* || -z "${UNREACHABLE:-}" ]]
    ;;
  '-') exit "${HAS_TORCH:-1}" ;;
  *sysconfig*) echo "$here" ;;
esac
"""


def write_script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def install(tmp_path):
    """Run the script; gives its process and the arguments of pip's calls."""
    root = tmp_path / 'repo'
    for name in ('requirements', 'tools'):
        shutil.copytree(REPO / name, root / name)
    shutil.copy(REPO / 'pyproject.toml', root)
    bin_dir = root / '.venv/bin'
    write_script(bin_dir / 'python', PYTHON)
    # In front of the PATH, so that a GPU of this machine is not seen.
    write_script(tmp_path / 'bin/nvidia-smi', 'exit "${NO_GPU:-9}"')

    def run(**variables):
        environment = {k: v for k, v in os.environ.items() if k != 'TORCH_INDEX_URL'}
        environment['PATH'] = f'{tmp_path / "bin"}:{environment["PATH"]}'
        environment.pop('MMVIS_STACK', None)
        process = subprocess.run(
            ['bash', root / 'tools/install.sh'],
            env=environment | variables,
            capture_output=True,
            text=True,
        )
        calls = bin_dir / 'calls'
        return process, calls.read_text().splitlines() if calls.exists() else []

    run.venv = root / '.venv'
    return run


needs_no_amd_gpu = pytest.mark.skipif(
    Path('/dev/kfd').exists(), reason='this machine has an AMD GPU'
)


@needs_no_amd_gpu
def test_without_a_gpu_torch_is_the_cpu_wheel(install):
    process, (torch, runtime, stack) = install()
    assert process.returncode == 0, process.stderr
    assert f'--index-url {CPU_INDEX} torch' in torch
    assert '--no-deps' in torch
    assert '--index-url' not in runtime + stack
    assert 'no GPU: installing the CPU wheel of torch' in process.stderr


@needs_no_amd_gpu
def test_without_the_index_of_cpu_wheels_torch_is_the_default_one(install):
    process, calls = install(UNREACHABLE='1')
    assert process.returncode == 0, process.stderr
    assert len(calls) == 3
    assert f'{CPU_INDEX} cannot be reached: taking torch from' in process.stderr


def test_with_a_gpu_torch_is_the_default_one(install):
    process, calls = install(NO_GPU='0')
    assert process.returncode == 0, process.stderr
    assert len(calls) == 2
    assert not any('--index-url' in call for call in calls)


@pytest.mark.parametrize('gpu', ['0', '9'])
def test_the_index_may_be_named(install, gpu):
    index = 'https://download.pytorch.org/whl/cu126'
    process, calls = install(TORCH_INDEX_URL=index, NO_GPU=gpu)
    assert process.returncode == 0, process.stderr
    assert f'--index-url {index} torch' in calls[0]


def test_an_empty_index_is_that_of_pip(install):
    process, calls = install(TORCH_INDEX_URL='')
    assert process.returncode == 0, process.stderr
    assert not any('--index-url' in call for call in calls)


def test_failing_index_is_an_error(install):
    process, calls = install(TORCH_INDEX_URL='https://host/x', UNREACHABLE='1')
    assert process.returncode == 1
    assert len(calls) == 1
    assert 'torch is not available at TORCH_INDEX_URL=https://host/x' in process.stderr


def test_installed_torch_is_kept(install):
    process, calls = install(HAS_TORCH='0')
    assert len(calls) == 2
    assert 'keeping the torch that is installed' in process.stderr
    constraints = (install.venv / 'constraints.txt').read_text()
    assert 'torch==' not in constraints


def test_progress_is_shown_and_stdout_is_the_folder(install):
    process, _ = install()
    assert process.stdout == f'{install.venv}\n'
    assert '  Downloading torch-2.13.0.whl (190 MB)' in process.stderr
    assert 'Collecting' not in process.stderr


def test_second_call_returns_at_once(install):
    _, calls = install()
    process, calls_then = install()
    assert calls_then == calls
    assert process.stdout == f'{install.venv}\n'
    assert process.stderr == ''
