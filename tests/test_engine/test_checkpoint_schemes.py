import http.server
import os
import threading
from functools import partial

import mmengine
import pytest
import torch
from mmengine.fileio import get_file_backend
from mmengine.runner import CheckpointLoader, load_checkpoint

import mmvis.engine.checkpoint_schemes as module
from mmvis.engine.checkpoint_schemes import use_safe_checkpoint_files

# As where a run starts.
use_safe_checkpoint_files()


class Runs:
    """Pickles to a call."""

    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Address of a web server for the files of a folder; torch's cache is empty."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    root = tmp_path / 'www'
    root.mkdir()
    monkeypatch.setenv('MMVIS_HOME', str(tmp_path / 'cache'))
    monkeypatch.setenv('MMENGINE_HOME', str(tmp_path / 'home'))
    handler = partial(Quiet, directory=str(root))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{web.server_port}'
        web.shutdown()


@pytest.fixture
def names(server, tmp_path, monkeypatch):
    """One name of each registered scheme, all of the same file.

    What http:// has downloaded is https://'s in the cache.
    """
    table = dict(net=f'{server}/net.pth')
    monkeypatch.setattr(module, 'get_external_models', lambda: table)
    monkeypatch.setattr(module, 'get_mmcls_models', lambda: table)
    monkeypatch.setattr(mmengine, 'load', lambda path: table)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / 'www' / '__init__.py').touch()
    # What the zoo keeps in its cache might have been exchanged there.
    kept = tmp_path / 'www' / 'net.pth'
    monkeypatch.setattr('mmvis.zoo.weights.fetch_weights', lambda name: kept)
    return {
        '': str(tmp_path / 'www' / 'net.pth'),
        'package://': 'package://www/net.pth',
        'zoo://': 'zoo://net',
        'http://': f'{server}/net.pth',
        'https://': f'{server}/net.pth'.replace('http:', 'https:'),
        'open-mmlab://': 'open-mmlab://net',
        'openmmlab://': 'openmmlab://net',
        'mmcls://': 'mmcls://net',
        'torchvision://': 'torchvision://net',
        'modelzoo://': 'modelzoo://net',
        'pavi://': 'pavi://net',
        r'(\S+\:)?s3://': 'cluster:s3://net',
        r'(\S+\:)?petrel://': 'petrel://net',
    }


NOT_READ = ('pavi://', r'(\S+\:)?s3://', r'(\S+\:)?petrel://')


def test_every_scheme_of_mmengine_is_tested(names):
    assert names.keys() == CheckpointLoader._schemes.keys()


def test_every_scheme_reads_data_or_refuses(names, tmp_path):
    content = dict(state_dict={'backbone.w': torch.ones(1)}, meta=dict(config='1/0'))
    torch.save(content, tmp_path / 'www' / 'net.pth')
    for scheme, name in names.items():
        if scheme in NOT_READ:
            with pytest.raises(ValueError, match=r'://.*Copy it to'):
                CheckpointLoader.load_checkpoint(name)
        else:
            checkpoint = CheckpointLoader.load_checkpoint(name)
            weight = 'w' if scheme == 'mmcls://' else 'backbone.w'
            assert checkpoint['state_dict'][weight].tolist() == [1]
            assert 'config' not in checkpoint.get('meta', {})


def test_no_scheme_runs_code(names, tmp_path):
    proof = tmp_path / 'proof'
    content = dict(state_dict={'backbone.w': torch.ones(1)}, x=Runs(os.mkdir, proof))
    torch.save(content, tmp_path / 'www' / 'net.pth')
    for name in names.values():
        with pytest.raises(ValueError, match=r'more than plain data|Copy'):
            CheckpointLoader.load_checkpoint(name)
    assert not proof.exists()


def test_downloads_are_checked_against_the_hash_in_their_name(server, tmp_path):
    torch.save(dict(w=torch.ones(1)), tmp_path / 'www' / 'net-12345678.pth')
    with pytest.raises(ValueError, match=r'SHA-256 .*, expected .* 12345678'):
        CheckpointLoader.load_checkpoint(f'{server}/net-12345678.pth')
    with pytest.raises(OSError, match=r'none\.pth cannot be .* put it at .*/none\.pth'):
        CheckpointLoader.load_checkpoint(f'{server}/none.pth')


def test_files_of_one_name_from_two_addresses_are_two(server, tmp_path):
    for folder, value in (('a', 1.0), ('b', 2.0)):
        (tmp_path / 'www' / folder).mkdir()
        torch.save(dict(w=torch.tensor(value)), tmp_path / 'www' / folder / 'net.pth')
        checkpoint = CheckpointLoader.load_checkpoint(f'{server}/{folder}/net.pth')
        assert checkpoint['w'] == value


@pytest.mark.parametrize(
    'name', ['open-mmlab://no/such', 'mmcls://no', 'torchvision://no', 'modelzoo://no']
)
def test_unknown_names(name):
    with pytest.raises(ValueError, match=f'{name} is not known to MMEngine'):
        CheckpointLoader.load_checkpoint(name)


def test_configs_of_checkpoints_do_not_reach_mmengine(tmp_path):
    """Its runner resumes by running one, its inferencer starts by the other."""
    path = str(tmp_path / 'a.pth')
    content = dict(
        state_dict=dict(weight=torch.ones(1, 1), bias=torch.ones(1)),
        meta=dict(iter=3, config='1/0', cfg='1/0'),
        message_hub=dict(runtime_info=dict(cfg='1/0', best=1), log_scalars={}),
    )
    torch.save(content, path)
    checkpoint = load_checkpoint(torch.nn.Linear(1, 1), path)
    assert checkpoint['meta'] == dict(iter=3)
    assert checkpoint['message_hub'] == dict(runtime_info=dict(best=1), log_scalars={})


def test_schemes_can_be_registered_twice():
    before = dict(CheckpointLoader._schemes)
    use_safe_checkpoint_files()
    assert before == CheckpointLoader._schemes


def test_files_are_replaced_only_when_complete(tmp_path, monkeypatch):
    path = tmp_path / 'new/file'
    backend = get_file_backend(str(path))
    backend.put(b'old', str(path))

    def fail(*args):
        raise OSError('disk full')

    with monkeypatch.context() as patch:
        patch.setattr(os, 'replace', fail)
        with pytest.raises(OSError, match='disk full'):
            backend.put(b'new', str(path))
    assert path.read_bytes() == b'old'
    backend.put_text('grün', path)
    assert path.read_text(encoding='utf-8') == 'grün'
    assert os.listdir(path.parent) == ['file']
