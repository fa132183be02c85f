"""The commands, options, paths, links and snippets of README.md and docs/ hold."""

import ast
import contextlib
import functools
import io
import re
import runpy
import shlex
import sys
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest
from mmengine.fileio import load
from mmengine.registry import DefaultScope, init_default_scope

from mmvis import commands
from mmvis.commands import convert, data
from mmvis.commands.benchmark import PARTS, SUITE
from mmvis.engine import run_config
from mmvis.engine.class_count import set_num_classes
from mmvis.inference.test_cfg import TestCfg
from mmvis.registry import MODELS
from mmvis.zoo import list_models

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
LEAVES = sorted(path.name for path in (ROOT / 'configs').glob('*.py'))
FENCE = re.compile(r'^```(\w*)\n(.*?)^```$', re.MULTILINE | re.DOTALL)
FOLDERS = ('configs/', 'demo/', 'mmvis/', 'requirements/', 'tests/', 'tools/')
GROUPS = {'data': data.COMMANDS, 'convert': convert.COMMANDS}
# What `mmvis` offers, 'mmvis data split'.
SUBCOMMANDS = {f'mmvis {name}' for name in commands.COMMANDS if name not in GROUPS} | {
    f'mmvis {group} {name}' for group, names in GROUPS.items() for name in names
}
# Keys that a run reads, and that the shipped config does not have.
ADDED = ('runner_type', 'strategy.type', 'test_dataloader.dataset.class_map')
# Shell scripts pass options on; their own arguments come before these.
WRAPPED = {
    'tools/dist_train.sh': ('tools/train.py', 2),
    'tools/dist_test.sh': ('tools/test.py', 3),
    'tools/slurm_train.sh': ('tools/train.py', 4),
    'tools/slurm_test.sh': ('tools/test.py', 4),
}


def blocks(page, language):
    """Contents of a page's code blocks in one language."""
    return [body for kind, body in FENCE.findall(page.read_text()) if kind == language]


def _depth(words):
    """Words that name a command: 'mmvis', and 'mmvis data split' as three."""
    return 3 if words[1] in GROUPS and len(words) > 2 else 2


def _command_of(words):
    return ' '.join(words[: _depth(words)])


def read_commands(page):
    """Commands of a page's bash blocks as lists of words, without variables."""
    found = []
    for body in blocks(page, 'bash'):
        for line in body.replace('\\\n', ' ').splitlines():
            words = shlex.split(line, comments=True)
            while words and re.match(r'[A-Z_]+=', words[0]):
                words.pop(0)
            if words and words[0] == 'mmvis':
                found.append([_command_of(words), *words[_depth(words) :]])
                continue
            if words and words[0] in ('python', 'bash'):
                words.pop(0)
            elif not words or not words[0].startswith('tools/'):
                continue
            found.append(words)
    return found


COMMANDS = [(page.name, words) for page in PAGES for words in read_commands(page)]
IDS = [f'{page}: {" ".join(words)[:60]}' for page, words in COMMANDS]
all_commands = pytest.mark.parametrize(('page', 'words'), COMMANDS, ids=IDS)


@functools.cache
def help_of(script):
    """What a script or subcommand prints for --help, called in this process."""
    if script.startswith('mmvis '):
        return help_of_subcommand(script.split()[1:])
    path = ROOT / script
    output, argv, search_path = io.StringIO(), sys.argv, list(sys.path)
    try:
        sys.argv = [str(path), '--help']
        sys.path.insert(0, str(path.parent))
        with contextlib.redirect_stdout(output), pytest.raises(SystemExit) as end:
            runpy.run_path(str(path), run_name='__main__')
    finally:
        sys.argv, sys.path[:] = argv, search_path
    assert not end.value.code
    return output.getvalue()


def help_of_subcommand(words):
    """What a subcommand prints for --help; of `benchmark`, its parts."""
    if words == ['benchmark']:
        return '\n'.join(help_of_subcommand([*words, part]) for part in (*PARTS, SUITE))
    output, argv = io.StringIO(), sys.argv
    try:
        with contextlib.redirect_stdout(output), pytest.raises(SystemExit) as end:
            commands.main([*words, '--help'])
    finally:
        sys.argv = argv
    assert not end.value.code
    return output.getvalue()


@functools.cache
def read_config(path):
    cfg = run_config.read_config(ROOT / path)
    run_config.merge_options(cfg, None)
    return cfg


def has_key(cfg, key):
    """Whether a dotted key is in a config, or one of test_cfg's."""
    *parents, last = key.split('.')
    try:
        for name in parents:
            cfg = cfg[int(name) if isinstance(cfg, list) else name]
    except (KeyError, IndexError):
        return False
    known = (
        [f.name for f in fields(TestCfg)] if parents == ['model', 'test_cfg'] else ()
    )
    return last in cfg or last in known


def test_there_are_commands_to_check():
    scripts = {words[0] for _, words in COMMANDS}
    shipped = {
        str(path.relative_to(ROOT))
        for folder in ('tools', 'demo')
        for path in (ROOT / folder).rglob('*')
        if path.suffix in ('.py', '.sh')
    }
    assert scripts == shipped | SUBCOMMANDS


@all_commands
def test_scripts_and_configs_of_commands_exist(page, words):
    assert words[0] in SUBCOMMANDS or (ROOT / words[0]).is_file()
    for word in words[1:]:
        if word.startswith(FOLDERS):
            assert (ROOT / word).is_file()


@all_commands
def test_options_of_commands_exist(page, words):
    script, num_own = WRAPPED.get(words[0], (words[0], 0))
    options = [word for word in words[1 + num_own :] if word.startswith('--')]
    if script.endswith('.sh'):
        assert not options
        return
    known = re.findall(r'(?<![\w-])--[a-z][\w-]*', help_of(script))
    assert set(options) <= set(known)


@all_commands
def test_overridden_keys_exist(page, words):
    keys = [w.split('=')[0] for w in words if re.match(r'[a-z_][\w.]*=', w)]
    keys = [key for key in keys if key not in ADDED]
    if not keys:
        return
    (config,) = [
        f'configs/{word}.py' if word in list_models() else word
        for word in words
        if word in list_models() or word.startswith('configs/')
    ]
    assert [key for key in keys if not has_key(read_config(config), key)] == []


@all_commands
def test_named_checkpoints_are_the_last_ones(page, words):
    for word in words:
        match = re.search(r'work_dirs/(\w+)/iter_(\d+)\.pth', word)
        if match and '--resume' not in words:
            max_iters = read_config(f'configs/{match[1]}.py').train_cfg.max_iters
            assert int(match[2]) == max_iters


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_options_in_text_exist(page):
    """Every `--option` in running text belongs to a script of the page, or to pip."""
    text = FENCE.sub('', page.read_text())
    scripts = {'tools/train.py', 'tools/test.py'}
    scripts |= {w[0] for w in read_commands(page) if not w[0].endswith('.sh')}
    known = {'--no-deps'}
    for script in scripts:
        known |= set(re.findall(r'--[a-z][\w-]*', help_of(script)))
    assert set(re.findall(r'`(--[a-z][\w-]*)', text)) <= known


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_paths_in_text_exist(page):
    text = FENCE.sub('', page.read_text())
    paths = [p for p in re.findall(r'`([\w./-]+)`', text) if p.startswith(FOLDERS)]
    # `mmvis/.mim` is a folder of links, as are all that end without a suffix.
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links_resolve(page):
    text = FENCE.sub('', page.read_text())
    for target in re.findall(r'\]\(([^)]+)\)', text):
        if target.startswith('https://'):
            continue
        path, _, anchor = target.partition('#')
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked), target


def anchors(page):
    """Names that headings get on GitHub."""
    text = FENCE.sub('', page.read_text())
    headings = re.findall(r'^#+ (.+)$', text, re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', h.lower()).replace(' ', '-') for h in headings}


def test_every_page_is_listed():
    names = {page.name for page in PAGES[1:]} - {'index.md'}
    text = (ROOT / 'docs' / 'index.md').read_text()
    assert names <= {name.lower() for name in re.findall(r'\]\((\w+\.md)', text)}


def test_every_config_is_listed():
    text = (ROOT / 'docs' / 'configs.md').read_text()
    listed = re.findall(r'^\| `configs/([\w-]+\.py)` \|', text, re.MULTILINE)
    assert sorted(listed) == LEAVES


def test_every_key_of_test_cfg_is_described():
    text = (ROOT / 'docs' / 'inference.md').read_text()
    rows = re.findall(r'^\| `(\w+)` \| .* \| (.*) \|$', text, re.MULTILINE)
    described = {name: default.strip('`') for name, default in rows}
    for field in fields(TestCfg):
        assert field.name in described
        if field.name not in ('clip_stride', 'merger'):
            assert described[field.name] == str(field.default)


SNIPPETS = [(page.name, body) for page in PAGES for body in blocks(page, 'python')]


@pytest.fixture(scope='module')
def project(tmp_path_factory):
    """A copy of configs/ by links, with the files that the pages describe."""
    root = tmp_path_factory.mktemp('project')
    (root / 'configs').mkdir()
    for path in (ROOT / 'configs').iterdir():
        (root / 'configs' / path.name).symlink_to(path)
    for _, body in SNIPPETS:
        name = re.match(r'# (\w+/\w+\.py)\n', body)
        if name:
            path = root / name[1]
            path.parent.mkdir(exist_ok=True)
            path.write_text(body)
    sys.path.insert(0, str(root))
    init_default_scope('mmvis')
    yield root
    sys.path.remove(str(root))
    # MMEngine has no public way back to no scope at all.
    DefaultScope._instance_dict.clear()


@pytest.mark.parametrize(('page', 'body'), SNIPPETS)
def test_imports_of_snippets_resolve(page, body):
    for node in ast.walk(ast.parse(body)):
        if isinstance(node, ast.ImportFrom):
            module = import_module(node.module)
            assert all(hasattr(module, alias.name) for alias in node.names)


@pytest.mark.parametrize(
    'name',
    [n for _, body in SNIPPETS for n in re.findall(r'^# configs/(my_\w+\.py)', body)],
)
def test_configs_of_the_pages_are_built(project, name):
    cfg = read_config(project / 'configs' / name)
    set_num_classes(cfg.model, 3)  # where it is left to the data
    cfg.model.backbone.init_cfg = None  # no downloads
    model = MODELS.build(cfg.model)
    necks = cfg.model.neck if isinstance(cfg.model.neck, list) else [cfg.model.neck]
    assert [type(n).__name__ for n in model.necks] == [n['type'] for n in necks]
    assert cfg.train_dataloader.dataset.type == 'YouTubeVISDataset'


def test_metafile_lists_every_config_and_the_published_results():
    models = {m['Name']: m for m in load(ROOT / 'configs' / 'metafile.yml')['Models']}
    assert sorted(model['Config'] for model in models.values()) == [
        f'configs/{leaf}' for leaf in LEAVES
    ]
    rows = re.findall(
        r'^\| \w+ \|.* \| ([\d.]+) \| \[`([\w-]+)\.py`\]',
        (ROOT / 'README.md').read_text(),
        re.MULTILINE,
    )
    in_readme = {name: float(ap) for ap, name in rows}
    in_metafile = {
        name: model['Results'][0]['Metrics']['AP']
        for name, model in models.items()
        if 'Results' in model
    }
    assert in_readme
    assert in_metafile == in_readme
