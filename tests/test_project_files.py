"""Licence, citation, guides and settings of the repository agree with the package."""

import re
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import mmvis

ROOT = Path(__file__).parents[1]
GUIDES = ['CONTRIBUTING.md', 'CHANGELOG.md']


def read(name):
    return (ROOT / name).read_text()


def read_yaml(name):
    return yaml.safe_load(read(name))


def pinned(package):
    for line in read('requirements/constraints.txt').splitlines():
        if line.startswith(f'{package}=='):
            return line.partition('==')[2]
    raise KeyError(package)


def test_licence_is_named_everywhere():
    text = read('LICENSE')
    assert 'Apache License\n                           Version 2.0' in text
    assert 'END OF TERMS AND CONDITIONS' in text
    assert 'license = "Apache-2.0"' in read('pyproject.toml')
    assert 'license-files = ["LICENSE"]' in read('pyproject.toml')
    assert read_yaml('CITATION.cff')['license'] == 'Apache-2.0'
    assert '[Apache License 2.0](LICENSE)' in read('README.md')


def test_citation_has_the_version_of_the_package():
    citation = read_yaml('CITATION.cff')
    assert citation['version'] == mmvis.__version__
    assert citation['authors'] == [dict(name='mmvis contributors')]


def test_changelog_has_the_version_of_the_package():
    versions = re.findall(r'^## (\S+)', read('CHANGELOG.md'), re.MULTILINE)
    assert versions[0] == 'Unreleased'
    assert versions[1] == mmvis.__version__


@pytest.mark.parametrize('name', GUIDES)
def test_links_and_paths_of_guides_exist(name):
    text = read(name)
    links = [x.partition('#')[0] for x in re.findall(r'\]\(([^)]+)\)', text)]
    paths = [x for x in links if not x.startswith('https://')]
    # A name without a slash may be of anywhere; `tests/test_X` stands for a pattern.
    paths += [x for x in re.findall(r'`([\w.-]+/[\w./-]+)`', text) if '_X' not in x]
    paths = [x for x in paths if not x.startswith('mmvis/x')]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_commands_of_the_guide_exist():
    body = ''.join(re.findall(r'```bash\n(.*?)```', read('CONTRIBUTING.md'), re.DOTALL))
    scripts = re.findall(r'^bash (\S+)', body, re.MULTILINE)
    assert 'tools/run_tests.sh' in scripts
    assert [path for path in scripts if not (ROOT / path).is_file()] == []
    folders = re.findall(r'(tests/\S+)', body)
    assert [path for path in folders if not (ROOT / path).exists()] == []


def test_ruff_is_the_same_in_hooks_and_requirements():
    repos = {
        repo['repo']: repo for repo in read_yaml('.pre-commit-config.yaml')['repos']
    }
    ruff = repos['https://github.com/astral-sh/ruff-pre-commit']
    assert ruff['rev'] == f'v{pinned("ruff")}'
    assert [hook['id'] for hook in ruff['hooks']] == ['ruff-check', 'ruff-format']


def test_types_are_checked_by_every_gate():
    (local,) = (
        repo
        for repo in read_yaml('.pre-commit-config.yaml')['repos']
        if repo['repo'] == 'local'
    )
    (hook,) = local['hooks']
    assert hook['entry'] == '.venv/bin/mypy'
    assert '"$venv/bin/mypy" || status=1' in read('.ci/run')
    steps = read_yaml('.github/workflows/ci.yml')['jobs']['types']['steps']
    assert steps[-1]['run'] == '$(bash tools/install.sh)/bin/mypy'
    assert pinned('mypy')


def test_ignored_findings_of_types_have_a_kind_and_a_reason():
    found = [
        (path, number, lines)
        for path in sorted((ROOT / 'mmvis').rglob('*.py'))
        for lines in [path.read_text().splitlines()]
        for number, line in enumerate(lines)
        if 'type: ignore' in line
    ]
    assert 0 < len(found) <= 5
    for path, number, lines in found:
        assert re.search(r'# type: ignore\[[\w-]+\]$', lines[number]), path
        assert lines[number - 1].lstrip().startswith('# '), path


def test_continuous_integration_runs_the_scripts_of_the_repository():
    jobs = read_yaml('.github/workflows/ci.yml')['jobs']
    commands = [
        step['run'] for job in jobs.values() for step in job['steps'] if 'run' in step
    ]
    assert 'bash tools/run_tests.sh' in commands
    for command in commands:
        for path in re.findall(r'(?:tools|\.ci)/[\w.]+', command):
            assert (ROOT / path).is_file()
    pythons = {
        entry['python'] for entry in jobs['test']['strategy']['matrix']['include']
    }
    promised = Requirement('python>=3.10').specifier
    assert all(python in promised for python in pythons)


TEMPLATES = sorted((ROOT / '.github/ISSUE_TEMPLATE').glob('*.yml'))


@pytest.mark.parametrize(
    'path', [p for p in TEMPLATES if p.stem != 'config'], ids=lambda p: p.stem
)
def test_issue_templates_are_forms(path):
    form = yaml.safe_load(path.read_text())
    assert {'name', 'description', 'body'} <= form.keys()
    ids = [field['id'] for field in form['body']]
    assert len(ids) == len(set(ids))
    for field in form['body']:
        assert field['type'] in ('input', 'textarea', 'dropdown', 'checkboxes')
        assert field['attributes']['label']
    assert any(f.get('validations', {}).get('required') for f in form['body'])
