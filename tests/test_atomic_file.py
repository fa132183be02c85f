import pytest

from mmvis.atomic_file import atomic_file


def test_file_appears_whole(tmp_path):
    path = tmp_path / 'new' / 'results.json'
    with atomic_file(path) as partial:
        partial.write_text('[')
        assert not path.exists()
        assert (partial.parent, partial.suffix) == (path.parent, '.json')
        partial.write_text('[]')
    assert path.read_text() == '[]'
    assert list(path.parent.iterdir()) == [path]


def test_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / 'model.pth'
    path.write_text('old')

    def write_half():
        with atomic_file(path) as partial:
            partial.write_text('ne')
            raise OSError('disk full')

    with pytest.raises(OSError, match='disk full'):
        write_half()
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]
