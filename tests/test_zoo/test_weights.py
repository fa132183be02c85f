import hashlib
from dataclasses import replace

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import CheckpointLoader

from mmvis.apis import init_model
from mmvis.converters.ifc import export_ifc
from mmvis.engine.checkpoint_schemes import use_safe_checkpoint_files
from mmvis.errors import UserKeyError, UserValueError
from mmvis.zoo import RemoteFile, fetch_weights, model_index
from mmvis.zoo.model_index import list_models
from mmvis.zoo.weights import published_file

NAME = 'ifc_tiny'


@pytest.fixture
def model(tiny_config):
    torch.manual_seed(0)
    return init_model(tiny_config)


@pytest.fixture
def zoo(server, model, tiny_config, monkeypatch, tmp_path):
    """A zoo of one model; its stand-in checkpoint lies on a server on loopback."""
    monkeypatch.setenv('MMVIS_HOME', str(tmp_path / 'home'))
    file = tmp_path / 'published.pth'
    torch.save({'model': export_ifc(model.state_dict())}, file)
    server.files['/ifc_tiny.pth'] = file.read_bytes()
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    entry = replace(
        list_models()['ifc_r50'],
        name=NAME,
        config=tiny_config,
        remote=RemoteFile(f'{server.url}/ifc_tiny.pth', sha256[:8]),
    )
    monkeypatch.setattr(model_index, 'list_models', lambda: {NAME: entry})
    return server


def test_weights_are_downloaded_converted_and_kept(zoo, model):
    path = fetch_weights(NAME)
    stored = torch.load(path, weights_only=True)
    assert stored['meta']['licence'] == 'Apache-2.0'
    assert stored['state_dict'].keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert torch.equal(stored['state_dict'][name], value), name
    assert fetch_weights(NAME) == path
    assert len(zoo.requests) == 1


def test_every_reader_of_checkpoints_knows_the_zoo(zoo, model, tiny_config):
    loaded = init_model(tiny_config, f'zoo://{NAME}')
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name
    use_safe_checkpoint_files()
    by_mmengine = CheckpointLoader.load_checkpoint(f'zoo://{NAME}', 'cpu')
    assert by_mmengine['state_dict'].keys() == model.state_dict().keys()


def test_checkpoint_of_another_model_is_named(zoo, tmp_path, monkeypatch):
    other = tmp_path / 'other.pth'
    torch.save({'model': {'a': torch.ones(2)}}, other)
    zoo.files['/ifc_tiny.pth'] = other.read_bytes()
    with pytest.raises(UserValueError, match='SHA-256'):
        fetch_weights(NAME)
    entry = model_index.list_models()[NAME]
    unchecked = replace(entry, remote=RemoteFile(entry.remote.url))
    monkeypatch.setattr(model_index, 'list_models', lambda: {NAME: unchecked})
    with pytest.raises(UserValueError, match=r'ifc_tiny\.pth is not what ifc_tiny was'):
        fetch_weights(NAME)


def test_interrupted_download_is_continued(zoo):
    zoo.faults['/ifc_tiny.pth'] = 'cut'
    assert fetch_weights(NAME).is_file()
    assert [bool(asked) for _, asked in zoo.requests] == [False, True]


def test_names_without_weights_and_unknown_names(zoo, monkeypatch):
    with pytest.raises(UserKeyError, match='no model'):
        fetch_weights('ifc_r9000')
    entry = replace(model_index.list_models()[NAME], remote=None)
    monkeypatch.setattr(model_index, 'list_models', lambda: {NAME: entry})
    with pytest.raises(UserValueError, match='No weights are published for ifc_tiny'):
        fetch_weights(NAME)


def test_published_files_have_names_of_their_own(monkeypatch):
    monkeypatch.setenv('MMVIS_HOME', '/home')
    models = [m for m in list_models().values() if m.is_published]
    places = {m.remote.url: str(published_file(m)) for m in models}
    assert len(set(places.values())) == len(places)
    drive = published_file(list_models()['ifc_r50'])
    assert str(drive) == '/home/published/1dwkg91omYLmcIA7ze6MZdZj4H5mWT5Fv.pth'


@pytest.mark.parametrize('name', ['tevit_msgshift', 'tevit_r50', 'tevit_swin-l_mst'])
def test_tevit_starts_from_published_queryinst(name):
    model = list_models()[name]
    start = Config.fromfile(model.config).load_from.removeprefix('zoo://')
    assert list_models()[start].is_published
    assert start.startswith('queryinst_')


def test_init_model_by_name(zoo, model):
    loaded = init_model(NAME, pretrained=True)
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name
    with pytest.raises(UserValueError, match='give one of them'):
        init_model(NAME, 'a.pth', pretrained=True)
