import errno
import os
import signal
import stat

import pytest

from mmvis import atomic_file as module
from mmvis.atomic_file import atomic_file, check_output
from mmvis.errors import UserValueError


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def next_run(monkeypatch):
    """A process that has not written anything yet."""
    return lambda: monkeypatch.setattr(module, '_clean_folders', set())


def test_file_appears_complete(tmp_path):
    path = tmp_path / 'new' / 'results.json'
    with atomic_file(path) as partial:
        partial.write_text('[')
        assert not path.exists()
        assert (partial.parent, partial.suffix) == (path.parent, '.json')
        partial.write_text('[]')
    assert path.read_text() == '[]'
    assert list(path.parent.iterdir()) == [path]


def test_failure_keeps_the_old_file(tmp_path):
    path = tmp_path / 'model.pth'
    path.write_text('old')

    def write_half():
        with atomic_file(path) as partial:
            partial.write_text('ne')
            raise OSError(errno.ENOSPC, 'No space left on device')

    with pytest.raises(OSError, match=r'No space left on device: .*model\.pth') as full:
        write_half()
    assert full.value.filename == str(path)
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]


def test_errors_name_the_file_and_not_its_temporary_name(tmp_path):
    (tmp_path / 'file').touch()
    with (
        pytest.raises(OSError, match=r'/file'),
        atomic_file(tmp_path / 'file' / 'a.json'),
    ):
        pass


def test_temporary_file_is_private_and_its_name_unpredictable(tmp_path):
    names = set()
    for _ in range(3):
        with atomic_file(tmp_path / 'a.json') as partial:
            assert mode(partial) == 0o600
            names.add(partial.name)
    assert len(names) == 3


def test_mode_is_that_of_the_replaced_or_of_any_new_file(tmp_path):
    plain, path = tmp_path / 'plain', tmp_path / 'a.json'
    plain.touch()
    with atomic_file(path) as partial:
        partial.touch()
    assert mode(path) == mode(plain)
    path.chmod(0o640)
    with atomic_file(path) as partial:
        partial.touch()
    assert mode(path) == 0o640


def test_longest_file_name_works(tmp_path):
    path = tmp_path / ('ü' * 125 + '.json')
    with atomic_file(path) as partial:
        partial.write_text('[]')
    assert path.read_text() == '[]'


def test_leftover_of_a_killed_run_is_removed_by_the_next(tmp_path, next_run):
    child = os.fork()
    if child == 0:
        with atomic_file(tmp_path / 'iter_1.pth') as partial:
            partial.write_text('half')
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    (leftover,) = tmp_path.iterdir()
    assert leftover.read_text() == 'half'
    next_run()
    with atomic_file(tmp_path / 'a.json') as partial:
        partial.touch()
    assert [path.name for path in tmp_path.iterdir()] == ['a.json']


def test_file_that_another_run_is_writing_stays(tmp_path, next_run):
    with atomic_file(tmp_path / 'a.json') as first:
        first.write_text('first')
        next_run()
        with atomic_file(tmp_path / 'b.json') as second:
            second.touch()
        assert first.read_text() == 'first'
    assert (tmp_path / 'a.json').read_text() == 'first'


def test_links_are_neither_followed_nor_removed(tmp_path, next_run):
    target, link = tmp_path / 'target', tmp_path / '.a.partial.json'
    target.write_text('mine')
    link.symlink_to(target)
    next_run()
    with atomic_file(tmp_path / 'a.json') as partial:
        partial.write_text('[]')
    assert target.read_text() == 'mine'
    assert link.is_symlink()


@pytest.mark.parametrize('kind', ['folder', 'device'])
def test_what_is_no_file_is_not_replaced(tmp_path, kind):
    path = tmp_path / 'a.json'
    path.mkdir() if kind == 'folder' else path.symlink_to('/dev/null')
    with pytest.raises(UserValueError, match=f'is a {kind}'), atomic_file(path):
        pass
    assert [item.name for item in tmp_path.iterdir()] == ['a.json']
    with pytest.raises(UserValueError, match=f'is a {kind}'):
        check_output(path)


def test_outputs_are_no_inputs(tmp_path):
    given, other = tmp_path / 'a.json', tmp_path / 'b.json'
    check_output(given, other, None)
    for path in (given, other):
        path.touch()
    check_output(given, other, None)
    other.unlink()
    other.hardlink_to(given)
    for path in (given, other, tmp_path / '..' / tmp_path.name / 'a.json'):
        with pytest.raises(UserValueError, match=r'a\.json, which would be lost'):
            check_output(path, None, given)
