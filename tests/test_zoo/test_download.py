import hashlib
import os
import threading

import pytest

from mmvis.errors import UserValueError
from mmvis.zoo import download
from mmvis.zoo.cache import cache_folder
from mmvis.zoo.download import RemoteFile, fetch_file

CONTENT = bytes(range(256)) * 5000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def remote(server):
    server.files['/weights.pth'] = CONTENT
    return RemoteFile(f'{server.url}/weights.pth', SHA256[:8])


def names_in(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != '.lock')


def test_download_is_kept(remote, server, tmp_path):
    path = tmp_path / 'new' / 'weights.pth'
    assert fetch_file(remote, path) == path
    assert path.read_bytes() == CONTENT
    fetch_file(remote, path)
    assert server.requests == [('/weights.pth', None)]
    assert names_in(path.parent) == ['weights.pth']


def test_connection_that_ends_too_early_is_continued(remote, server, tmp_path):
    server.faults['/weights.pth'] = 'cut'
    path = fetch_file(remote, tmp_path / 'weights.pth')
    assert path.read_bytes() == CONTENT
    third = len(CONTENT) // 3
    assert server.requests == [
        ('/weights.pth', None),
        ('/weights.pth', f'bytes={third}-'),
    ]


def test_what_a_killed_run_left_is_continued(remote, server, tmp_path):
    (tmp_path / '.weights.pth.part').write_bytes(CONTENT[:1000])
    path = fetch_file(remote, tmp_path / 'weights.pth')
    assert path.read_bytes() == CONTENT
    assert server.requests == [('/weights.pth', 'bytes=1000-')]


def test_what_a_killed_run_left_may_be_complete(remote, tmp_path):
    (tmp_path / '.weights.pth.part').write_bytes(CONTENT)
    assert fetch_file(remote, tmp_path / 'weights.pth').read_bytes() == CONTENT


def test_server_that_sends_no_parts_starts_again(remote, server, tmp_path):
    server.faults['/weights.pth'] = 'no range'
    (tmp_path / '.weights.pth.part').write_bytes(b'old' * 100)
    assert fetch_file(remote, tmp_path / 'weights.pth').read_bytes() == CONTENT


def test_wrong_hash_is_an_error_and_leaves_nothing(server, tmp_path):
    server.files['/w.pth'] = CONTENT
    remote = RemoteFile(f'{server.url}/w.pth', 'abcdef')
    with pytest.raises(UserValueError, match=f'{SHA256}, expected .* abcdef'):
        fetch_file(remote, tmp_path / 'w.pth')
    assert names_in(tmp_path) == []


def test_file_put_there_by_hand_is_checked(remote, server, tmp_path):
    path = tmp_path / 'weights.pth'
    path.write_bytes(CONTENT)
    fetch_file(remote, path)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(UserValueError, match='corrupted or another file'):
        fetch_file(remote, path)
    assert server.requests == []


def test_missing_file_says_how_to_do_it_by_hand(server, tmp_path):
    remote = RemoteFile(f'{server.url}/gone.pth')
    path = tmp_path / 'gone.pth'
    with pytest.raises(OSError, match=f'404|Not Found.*put it at {path}'):
        fetch_file(remote, path)
    assert len(server.requests) == 1


def test_no_network_says_how_to_do_it_by_hand(tmp_path):
    path = tmp_path / 'w.pth'
    with pytest.raises(OSError, match=f'put it at {path}'):
        fetch_file(RemoteFile('http://127.0.0.1:9/w.pth'), path)


def test_unknown_server_is_not_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(download.time, 'sleep', pytest.fail)
    with pytest.raises(OSError, match='cannot be downloaded'):
        fetch_file(RemoteFile('http://no.invalid/w.pth'), tmp_path / 'w.pth')


@pytest.mark.parametrize('fault', ['page', 'redirect to page'])
def test_a_web_page_is_not_taken_for_the_file(server, tmp_path, fault):
    server.faults['/w.pth'] = fault
    with pytest.raises(UserValueError, match='gave a web page'):
        fetch_file(RemoteFile(f'{server.url}/w.pth'), tmp_path / 'w.pth')
    assert names_in(tmp_path) == []


def test_several_at_once_download_once(remote, server, tmp_path):
    server.faults['/weights.pth'] = 'slow'
    path = tmp_path / 'weights.pth'
    threads = [
        threading.Thread(target=fetch_file, args=(remote, path)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_google_drive_without_gdown_names_the_manual_step(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'gdown', None)
    remote = RemoteFile('https://drive.google.com/uc?id=abc')
    with pytest.raises(OSError, match=r'pip install.*uc\?id=abc|gdown') as info:
        fetch_file(remote, tmp_path / 'w.pth')
    assert str(tmp_path / 'w.pth') in str(info.value)
    assert 'uc?id=abc' in str(info.value)


@pytest.mark.parametrize(
    ('variables', 'expected'),
    [
        (dict(MMVIS_HOME='/a'), '/a/x/y'),
        (dict(XDG_CACHE_HOME='/b'), '/b/mmvis/x/y'),
        (dict(HOME='/c'), '/c/.cache/mmvis/x/y'),
        (dict(HOME='/c', MMVIS_HOME='~/w'), '/c/w/x/y'),
    ],
)
def test_cache_folder(monkeypatch, variables, expected):
    for name in ('MMVIS_HOME', 'XDG_CACHE_HOME'):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert os.fspath(cache_folder('x', 'y')) == expected
