"""The golden files are those that were made, and every one is read by a test."""

import ast
import json
import re
import zipfile
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
GOLDEN = TESTS / 'data' / 'golden'
FILES = sorted(
    path.relative_to(GOLDEN) for path in GOLDEN.rglob('*') if path.suffix != '.pyc'
)
FILES = [path for path in FILES if (GOLDEN / path).is_file()]
# Text for people, which the tests quote.
READ_BY_PEOPLE = {'notes.md', 'README.md'}
MODULES = [path for path in TESTS.rglob('*.py') if TESTS / 'data' not in path.parents]
MODULES.append(TESTS.parent / 'mmvis/testing/golden.py')  # imports pseudo.py


@cache
def strings(module):
    """Texts of a module, and patterns of its f-strings with `(.+)` where values go."""
    texts, patterns = set(), set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.JoinedStr):
            patterns.add(
                ''.join(
                    re.escape(part.value) if isinstance(part, ast.Constant) else '(.+)'
                    for part in node.values
                )
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.update(node.value.split('/'))
        elif isinstance(node, ast.keyword) and node.arg:
            texts.add(node.arg)  # a key of dict(name=...)
    return texts, {part for pattern in patterns for part in pattern.split('/')}


def conftests(module):
    """Conftests whose fixtures a module has."""
    folders = [
        folder for folder in module.parents if TESTS in (folder, *folder.parents)
    ]
    return [path for folder in folders if (path := folder / 'conftest.py').exists()]


def names(module, part):
    """Whether a module, with its conftests, spells out a part of a path."""
    found = [strings(path) for path in [module, *conftests(module)]]
    texts = set().union(*(texts for texts, _ in found))
    patterns = set().union(*(patterns for _, patterns in found)) - {'(.+)'}
    matches = (re.fullmatch(pattern, part) for pattern in patterns)
    return part in texts or any(
        match and set(match.groups()) <= texts for match in matches
    )


def reads(module, path):
    *folders, name = path.parts
    return all(names(module, folder) for folder in folders) and (
        names(module, name) or (path.suffix == '.npz' and names(module, path.stem))
    )


@pytest.mark.parametrize('path', FILES, ids=str)
def test_file_is_read_by_a_test(path):
    """The test spells its path out; loading the wrong one fails there."""
    if path.name not in READ_BY_PEOPLE:
        readers = [m for m in MODULES if m != Path(__file__) and reads(m, path)]
        assert readers, f'{path} is not used: test against it, or remove it.'


def test_a_file_that_no_test_names_is_noticed():
    for name in ('ifc/merge_l4_t5_s9.npz', 'ifc/merge_ties.json', 'new/meta.json'):
        assert not any(reads(m, Path(name)) for m in MODULES if m != Path(__file__))


@pytest.mark.parametrize('method', ['ifc', 'tevit', 'vistr'])
def test_files_are_those_that_were_made(method):
    meta = json.loads((GOLDEN / method / 'meta.json').read_text())
    sizes = meta.get('shared_files') or {
        name: entry.get('bytes') for name, entry in meta['files'].items()
    }
    assert len(sizes) > 5
    for name, size in sizes.items():
        path = GOLDEN / method / name
        assert path.is_file()
        assert size in (None, path.stat().st_size), name


def test_arrays_are_whole():
    """Also those that only slow tests read."""
    for path in GOLDEN.rglob('*.npz'):
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None, path
