"""What README and docs name is there: scripts, options, configs and pages."""

import re
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmvis.registry import MODELS

REPO = Path(__file__).resolve().parents[1]
PAGES = [REPO / 'README.md', *sorted((REPO / 'docs').glob('*.md'))]
IDS = [page.name for page in PAGES]


def blocks(page, language):
    return re.findall(rf'```{language}\n(.*?)```', page.read_text(), flags=re.DOTALL)


def commands(page):
    lines = '\n'.join(blocks(page, 'bash')).replace('\\\n', ' ').splitlines()
    return [line for line in lines if line and not line.startswith('#')]


def script_of(command):
    words = [word for word in command.split() if '=' not in word.split('/')[0]]
    return next(word for word in words if '/' in word and word.endswith(('.py', '.sh')))


@pytest.mark.parametrize('page', PAGES, ids=IDS)
def test_commands_name_scripts_and_options_that_exist(page):
    for command in commands(page):
        script = REPO / script_of(command)
        assert script.is_file(), command
        # Shell scripts pass their options on.
        sources = script.read_text() + (REPO / 'tools/train.py').read_text()
        sources += (REPO / 'tools/test.py').read_text()
        for option in re.findall(r' (--[a-z-]+)', command):
            assert f"'{option}'" in sources, command


@pytest.mark.parametrize('page', PAGES, ids=IDS)
def test_named_configs_exist(page):
    for name in re.findall(r'configs/[\w/]+\.py', page.read_text()):
        assert (REPO / name).is_file(), name


@pytest.mark.parametrize('page', PAGES, ids=IDS)
def test_links_lead_somewhere(page):
    for link in re.findall(r'\]\(([^)#:]+)\)', page.read_text()):
        assert (page.parent / link).exists(), link


def test_composed_example_is_built(tmp_path):
    """The Swin + FPN + memory tokens of docs/configs.md."""
    text = blocks(REPO / 'docs' / 'configs.md', 'python')[-1]
    text = text.replace('ifc_r50.py', str(REPO / 'configs' / 'ifc_r50.py'))
    (tmp_path / 'swin.py').write_text(text)
    init_default_scope('mmvis')
    model = MODELS.build(Config.fromfile(tmp_path / 'swin.py').model)
    assert model.num_frame_stages == 2


def test_every_leaf_is_described():
    text = (REPO / 'docs' / 'configs.md').read_text()
    for name in ('ifc_r50', 'ifc_r101', 'ifc_small_shapes', 'ifc_small_custom'):
        assert f'configs/{name}.py' in text
