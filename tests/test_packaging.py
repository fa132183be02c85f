"""What is installed, from where it is read, and which versions are promised."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.fileio import load
from mmengine.hub import get_config
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import mmvis
from mmvis.apis import init_model
from mmvis.environment import STACKS, SUPPORTED
from mmvis.testing import make_tiny_video

ROOT = Path(__file__).parents[1]
MIM = Path(mmvis.__file__).parent / '.mim'

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_requirements(name):
    """Read the requirements of a file, without comments and options."""
    lines = (ROOT / 'requirements' / name).read_text().splitlines()
    lines = [line.partition('#')[0].strip() for line in lines]
    return [Requirement(line) for line in lines if line and not line.startswith('-')]


def read_metadata():
    return tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']


@pytest.fixture(scope='module')
def pins():
    """Versions of each pinned package, {name: [Version, ...]}."""
    pins = {}
    for requirement in read_requirements('constraints.txt'):
        (specifier,) = requirement.specifier
        assert specifier.operator == '==', requirement
        versions = pins.setdefault(canonicalize_name(requirement.name), [])
        versions.append(Version(specifier.version))
    return pins


def test_pins_lie_in_the_ranges_of_the_metadata(pins):
    metadata = read_metadata()
    extras = metadata['optional-dependencies'].values()
    for text in [*metadata['dependencies'], *(x for extra in extras for x in extra)]:
        requirement = Requirement(text)
        if requirement.name == 'mmvis':  # extras of its own, as one
            assert requirement.extras <= metadata['optional-dependencies'].keys()
            continue
        for version in pins[canonicalize_name(requirement.name)]:
            assert version in requirement.specifier, f'{text}, but {version} is pinned'


@pytest.mark.parametrize('name', SUPPORTED)
def test_pins_lie_in_the_ranges_checked_at_import(name, pins):
    low, high = SUPPORTED[name]
    for version in pins.get(name, []):
        assert low <= version.release < high


@pytest.mark.parametrize(
    'stack', ['docs', 'metrics', 'onedl', 'openmmlab', 'parity', 'runtime', 'tests']
)
def test_everything_that_is_installed_is_pinned(stack, pins):
    names = {canonicalize_name(r.name) for r in read_requirements(f'{stack}.txt')}
    assert names <= pins.keys()


@pytest.mark.parametrize('stack', ['OneDL', 'OpenMMLab'])
def test_stack_files_name_the_parts_checked_at_import(stack):
    names = {r.name for r in read_requirements(f'{stack.lower()}.txt')}
    assert {parts[0] for parts in STACKS[stack]} <= names


def test_import_check_and_metadata_promise_the_same():
    for text in read_metadata()['dependencies']:
        requirement = Requirement(text)
        if requirement.name in SUPPORTED:
            low, high = ('.'.join(map(str, v)) for v in SUPPORTED[requirement.name])
            assert str(requirement.specifier) == f'<{high},>={low}'


def test_opencv_is_the_headless_one(pins):
    names = {r.name for r in read_requirements('runtime.txt')}
    assert 'opencv-python-headless' in names
    assert 'opencv-python' not in names | pins.keys()


def test_mim_folder_holds_configs_and_tools():
    assert (MIM / 'configs' / 'ifc_r50.py').is_file()
    assert (MIM / 'tools' / 'train.py').is_file()
    for metafile in load(MIM / 'model-index.yml')['Import']:
        for model in load(MIM / metafile)['Models']:
            assert (MIM / model['Config']).is_file(), model


def test_configs_are_read_by_package_name():
    config = get_config('mmvis::_base_/default_runtime.py')
    assert config.default_scope == 'mmvis'
    config = get_config('mmvis::ifc_r50.py')
    assert config.model.type == 'IFC'
    assert Path(config.filename).samefile(ROOT / 'configs/ifc_r50.py')


def test_config_inherits_by_package_name(tmp_path):
    child = tmp_path / 'child.py'
    child.write_text(
        "_base_ = 'mmvis::ifc_r50.py'\nmodel = dict(head=dict(num_classes=3))\n"
    )
    config = Config.fromfile(child)
    assert config.model.head.num_classes == 3
    assert config.default_scope == 'mmvis'


def test_names_of_no_config_and_of_other_packages(tmp_path):
    with pytest.raises(FileNotFoundError, match='no_such'):
        get_config('mmvis::no_such.py')
    child = tmp_path / 'child.py'
    for name, match in (
        ('mmdet::flat.py', 'relative config path'),
        ('mmvis::a::b.py', 'relative config path'),
        ('no_package::a/b.py', 'does not support to load no_package'),
    ):
        child.write_text(f'_base_ = {name!r}')
        with pytest.raises((ValueError, AssertionError), match=match):
            Config.fromfile(child)


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """Folder that the package was built for and installed in, apart from this one."""
    site = tmp_path_factory.mktemp('wheel') / 'site'
    pip = [sys.executable, '-m', 'pip', '--quiet', '--disable-pip-version-check']
    subprocess.run(
        [*pip, 'install', '--no-deps', '--target', site, str(ROOT)], check=True
    )
    return site


@pytest.mark.slow
def test_wheel_holds_configs_and_tools(wheel, tmp_path):
    """Read a config of the installed package."""
    site = wheel
    (tmp_path / 'child.py').write_text("_base_ = 'mmvis::ifc_r50.py'")
    code = (
        f'import sys; sys.path.insert(0, {str(site)!r})\n'
        'import mmvis\n'
        'from mmengine.config import Config\n'
        'from mmengine.hub import get_config\n'
        "config = get_config('mmvis::ifc_r50.py')\n"
        'print(mmvis.__file__, config.filename)\n'
        "child = Config.fromfile('child.py')\n"
        'assert child.model.head.num_queries == config.model.head.num_queries\n'
    )
    output = subprocess.run(
        [sys.executable, '-c', code],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k != 'PYTHONPATH'},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert len(re.findall(re.escape(str(site)), output)) == 2
    assert (site / 'mmvis/.mim/tools/dist_train.sh').is_file()
    assert (site / 'mmvis/py.typed').is_file()
    assert not (site / 'mmvis/.mim/configs').is_symlink()


@pytest.mark.slow
def test_command_of_the_wheel_works_from_any_folder(wheel, tmp_path):
    def run(*words):
        return subprocess.run(
            [sys.executable, wheel / 'bin' / 'mmvis', *words],
            cwd=tmp_path,
            env=dict(os.environ, PYTHONPATH=str(wheel)),
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    assert 'mmvis COMMAND [OPTIONS]' in run('--help')
    assert 'tevit_msgshift' in run('models')
    assert "type='IFC'" in run('config', 'ifc_r50')
    assert 'usage: mmvis benchmark evaluation' in run(
        'benchmark', 'evaluation', '--help'
    )
    run('data', 'shapes', 'shapes', '--size', 'mini')
    assert 'no faults' in run('data', 'check', 'shapes/train.json')
    (tmp_path / 'child.py').write_text("_base_ = 'mmvis::ifc_small_shapes.py'")
    make_tiny_video(tmp_path / 'dog.mp4', num_frames=3)
    weights = init_model('ifc_small_shapes').state_dict()
    torch.save(dict(state_dict=weights), tmp_path / 'w.pth')
    words = ['--model', 'child.py', '--checkpoint', 'w.pth']
    words += ['--formats', 'json', 'video', 'csv']
    assert 'tracks in 3 frames' in run('predict', 'dog.mp4', *words)
    assert sorted(path.name for path in (tmp_path / 'outputs').iterdir()) == [
        'dog.csv',
        'dog.json',
        'dog.mp4',
    ]
    code = 'import mmvis; print(mmvis.__file__)'
    found = subprocess.run(
        [sys.executable, '-c', code],
        cwd=tmp_path,
        env=dict(os.environ, PYTHONPATH=str(wheel)),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert found.startswith(str(wheel))
