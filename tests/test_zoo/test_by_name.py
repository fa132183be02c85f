"""Weights by name from end to end: by the commands, from a server on loopback.

The zoo is read from a metafile of its own. Its checkpoint has the names of the
original implementation.
"""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from mmvis.apis import VISInferencer, init_model
from mmvis.commands import main
from mmvis.converters import export_ifc
from mmvis.zoo import model_index

NAME = 'ifc_tiny'
URL = '/weights/ifc_tiny.pth'


def write_zoo(root, url, sha256, config):
    """Write a model index of one model, as those of the OpenMMLab family."""
    entry = {
        'Name': NAME,
        'In Collection': 'IFC',
        'Config': str(config),
        'Metadata': {'Training Data': 'ShapesVIS'},
        'Weights': url,
        'Published': {
            'SHA256': sha256,
            'Converter': 'ifc',
            'License': 'MIT',
            'Source': 'https://example.org',
            'Size': '1 MB',
        },
    }
    root.mkdir()
    (root / 'model-index.yml').write_text('Import: [metafile.yml]')
    (root / 'metafile.yml').write_text(yaml.safe_dump({'Models': [entry]}))


@pytest.fixture
def model(tiny_config):
    torch.manual_seed(0)
    return init_model(tiny_config)


@pytest.fixture
def zoo(server, model, tiny_config, tmp_path, monkeypatch):
    """The server; its checkpoint has the names of the original IFC."""
    weights = export_ifc(model.state_dict())
    assert 'detr.backbone.0.backbone.stem.conv1.weight' in weights
    file = tmp_path / 'published.pth'
    torch.save({'model': weights}, file)
    server.files[URL] = file.read_bytes()
    sha256 = hashlib.sha256(server.files[URL]).hexdigest()[:8]
    write_zoo(tmp_path / 'zoo', f'{server.url}{URL}', sha256, tiny_config)
    models = model_index.read_index(tmp_path / 'zoo')
    monkeypatch.setattr(model_index, 'list_models', lambda: models)
    monkeypatch.setenv('MMVIS_HOME', str(tmp_path / 'home'))
    return server


@pytest.fixture
def frames(tmp_path):
    folder = tmp_path / 'walk'
    folder.mkdir()
    for t in range(3):
        image = np.zeros((64, 96, 3), dtype=np.uint8)
        image[10:40, 10 * t : 10 * t + 30] = 200
        Image.fromarray(image).save(folder / f'{t}.png')
    return folder


@pytest.fixture
def predict(frames, tmp_path):
    def run():
        words = ['predict', frames, '--model', NAME, '--formats', 'csv']
        main([*map(str, words), '--out-dir', str(tmp_path / 'out')])

    return run


def test_predict_downloads_converts_and_keeps(zoo, predict, model, tmp_path, capsys):
    predict()
    assert 'walk: ' in capsys.readouterr().out
    home = tmp_path / 'home'
    (converted,) = home.glob('converted/*/ifc_tiny.pth')
    stored = torch.load(converted, weights_only=True)['state_dict']
    assert stored.keys() == model.state_dict().keys()
    assert all(torch.equal(stored[name], x) for name, x in model.state_dict().items())
    assert (home / 'published/ifc_tiny.pth').read_bytes() == zoo.files[URL]
    zoo.files.clear()  # from here on without the server
    predict()
    assert [path for path, _ in zoo.requests] == [URL]
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == [
        'walk-2.csv',
        'walk.csv',
    ]


def test_the_python_interface_gives_the_same_model(zoo, model):
    inferencer = VISInferencer(NAME, device='cpu')
    weights = inferencer.model.state_dict()
    assert all(torch.equal(weights[name], x) for name, x in model.state_dict().items())


def test_pretrained_in_place_of_a_checkpoint(
    zoo, call_tool, tiny_config, tiny_options, tmp_path
):
    for config in (tiny_config, NAME):
        work_dir = tmp_path / f'test{len(str(config))}'
        args = [config, 'pretrained', '--work-dir', work_dir]
        call_tool('tools/test.py', *args, options=tiny_options)
        assert (work_dir / 'results.json').is_file()
    assert len(zoo.requests) == 1


@pytest.mark.parametrize(('fault', 'num_requests'), [('cut', 2), ('slow', 1)])
def test_predict_with_a_connection_that_ends_or_is_slow(
    zoo, predict, fault, num_requests
):
    zoo.faults[URL] = fault
    predict()
    assert len(zoo.requests) == num_requests


@pytest.mark.parametrize(
    ('fault', 'messages'),
    [
        ('gone', ['404', 'put it at ', 'published/ifc_tiny.pth']),
        ('page', ['gave a web page, not the file']),
        ('redirect to page', ['gave a web page, not the file']),
        ('changed', ['SHA-256', 'remove it and try again']),
        ('no network', ['cannot be downloaded', 'put it at ', 'ifc_tiny.pth']),
    ],
)
def test_predict_names_what_is_wrong(zoo, predict, capsys, tmp_path, fault, messages):
    if fault == 'gone':
        del zoo.files[URL]
    elif fault == 'changed':
        zoo.files[URL] = zoo.files[URL][:-1] + b'x'
    elif fault == 'no network':
        zoo.server_close()
    else:
        zoo.faults[URL] = fault
    with pytest.raises(SystemExit) as end:
        predict()
    assert end.value.code == 2
    message = capsys.readouterr().err
    assert 'Traceback' not in message
    for part in messages:
        assert part in message
    assert not list((tmp_path / 'home').glob('*/*.pth'))


def test_file_that_was_put_there_by_hand_is_used(zoo, predict, tmp_path):
    path = tmp_path / 'home/published/ifc_tiny.pth'
    path.parent.mkdir(parents=True)
    path.write_bytes(zoo.files.pop(URL))
    predict()
    assert zoo.requests == []


@pytest.mark.slow
def test_two_processes_download_and_convert_once(zoo, frames, tmp_path):
    zoo.faults[URL] = 'slow'
    code = (
        'import sys\n'
        'from pathlib import Path\n'
        'from mmvis.commands import main\n'
        'from mmvis.zoo import model_index\n'
        f'models = model_index.read_index(Path({str(tmp_path / "zoo")!r}))\n'
        'model_index.list_models = lambda: models\n'
        f"main(['predict', {str(frames)!r}, '--model', {NAME!r}, '--formats', 'csv',\n"
        f"      '--out-dir', {str(tmp_path / 'out')!r}])\n"
    )
    runs = [
        subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    outputs = [run.communicate()[0].decode() for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert len(zoo.requests) == 1
    assert len(list((tmp_path / 'out').glob('walk*.csv'))) == 2
