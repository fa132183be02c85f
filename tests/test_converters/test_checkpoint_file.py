import argparse
import os
import pickle
import sys
import zipfile

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub
from safetensors.torch import save_file

from mmvis.converters.checkpoint_file import (
    find_checkpoint,
    read_checkpoint,
    read_tensors,
    weights_of,
    write_checkpoint,
)


class Runs:
    """Pickles to a call."""

    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


@pytest.fixture
def save(tmp_path):
    """Save anything with torch; return the file."""

    def run(content, name='a.pth', **options):
        torch.save(content, tmp_path / name, **options)
        return str(tmp_path / name)

    return run


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package whose import is an error."""
    folder = tmp_path / 'site' / 'small_weights'
    (folder / 'models').mkdir(parents=True)
    (folder / '__init__.py').write_text('raise RuntimeError("was imported")')
    torch.save(dict(w=torch.ones(2)), folder / 'models' / 'net.pth')
    torch.save(dict(w=torch.zeros(2)), folder.parent / 'outside.pth')
    monkeypatch.setattr(sys, 'path', [*sys.path, str(folder.parent)])
    return 'package://small_weights'


def test_reads_what_mmengine_saves(save):
    hub = MessageHub('any')
    hub.update_scalar('train/loss', 2.0)
    hub.update_scalar('train/loss', 4.0)
    hub.update_info('best', np.float64(0.5))
    path = save(dict(state_dict=dict(w=torch.ones(2)), hub=hub.state_dict()))
    content = read_checkpoint(path)
    assert content['state_dict']['w'].tolist() == [1, 1]
    assert content['hub']['log_scalars']['train/loss'].mean() == 3
    assert content['hub']['runtime_info']['best'] == 0.5


@pytest.mark.parametrize('is_new_format', [True, False])
@pytest.mark.parametrize('key', ['state_dict', 'model', None])
def test_weights_are_found(save, key, is_new_format):
    weights = {'module.a': torch.arange(3.0), 'b': torch.nn.Parameter(torch.ones(1))}
    content = weights if key is None else {key: weights, 'args': argparse.Namespace()}
    path = save(content, _use_new_zipfile_serialization=is_new_format)
    tensors = read_tensors(path)
    assert {n: t.tolist() for n, t in tensors.items()} == dict(a=[0, 1, 2], b=[1])
    assert not tensors['b'].requires_grad


def test_weights_with_and_without_prefix_are_refused():
    with pytest.raises(ValueError, match=r'some weights twice.*"module\."'):
        weights_of({'a': torch.ones(1), 'module.a': torch.ones(1)})


def test_code_in_a_checkpoint_is_not_run(save, tmp_path):
    path = save(dict(state_dict={}, x=Runs(os.mkdir, str(tmp_path / 'proof'))))
    with pytest.raises(ValueError, match=r'a\.pth holds more than plain data: \w+'):
        read_checkpoint(path)
    with (tmp_path / 'a.pkl').open('wb') as file:
        pickle.dump(dict(model=Runs(os.mkdir, str(tmp_path / 'proof'))), file)
    with pytest.raises(ValueError, match=r'a\.pkl holds more than plain data: \w+'):
        read_checkpoint(tmp_path / 'a.pkl')
    assert not (tmp_path / 'proof').exists()


def test_attribute_lookups_reach_nothing_but_log_statistics(save):
    from mmengine.logging import HistoryBuffer

    with pytest.raises(ValueError, match='holds more than plain data'):
        read_checkpoint(save(dict(x=Runs(getattr, MessageHub, '__init__'))))
    with pytest.raises(ValueError, match='holds more than plain data: builtins'):
        read_checkpoint(save(dict(x=Runs(getattr, HistoryBuffer, '__init__'))))


def test_every_flipped_byte_of_the_weights_is_noticed(save, tmp_path):
    path = save(dict(w=torch.full((3,), 1.5), v=torch.arange(2)))
    content = (tmp_path / 'a.pth').read_bytes()
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if '/data/' in info.filename or info.filename.endswith('data.pkl'):
                data = archive.read(info)
                begin = content.index(data, info.header_offset)
                for place in (begin, begin + len(data) - 1):
                    damaged = bytearray(content)
                    damaged[place] ^= 1
                    (tmp_path / 'b.pth').write_bytes(damaged)
                    with pytest.raises(
                        ValueError, match=r'b\.pth is corrupted: .*wrong'
                    ):
                        read_checkpoint(tmp_path / 'b.pth')


def test_entry_marked_as_a_folder_is_refused(save, tmp_path):
    # torch.load leaves the memory of its tensor as it was before
    with zipfile.ZipFile(save(dict(w=torch.ones(8)))) as source:
        entries = [(info, source.read(info)) for info in source.infolist()]
    path = tmp_path / 'marked.pth'
    with zipfile.ZipFile(path, 'w') as archive:
        for info, data in entries:
            if info.filename.endswith('/data/0'):
                info.external_attr = 0x10
            archive.writestr(info, data)
    with pytest.raises(ValueError, match="'a/data/0' is marked as a folder"):
        read_checkpoint(path)


@pytest.mark.filterwarnings('ignore:Duplicate name')
def test_entry_that_is_there_twice_is_refused(save, tmp_path):
    path = save(dict(w=torch.ones(8)))
    with zipfile.ZipFile(path, 'a') as archive:
        archive.writestr('a/data/0', bytes(32))
    with pytest.raises(ValueError, match="'a/data/0' is there twice"):
        read_checkpoint(path)


def test_damaged_files(save, tmp_path):
    path = tmp_path / 'a.pth'
    save(dict(w=torch.zeros(1000)))
    for content in (path.read_bytes()[:1000], b'hello', b'', b'PK\x03\x04', b'\x80'):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r'a\.pth is not a checkpoint, or is corr'):
            read_checkpoint(path)
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('a/data.pkl', bytes(1000))
    with pytest.raises(ValueError, match=r'a\.pth is a compressed archive'):
        read_checkpoint(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such checkpoint file: '.*b\.pth'"):
        read_checkpoint(tmp_path / 'b.pth')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ([1], 'holds a list, expected weights by name'),
        ({}, 'holds no weights: .*got nothing'),
        (dict(state_dict=None), "no weights: .* under 'state_dict', got a NoneType"),
        (dict(state_dict=[1]), "under 'state_dict', got a list"),
        (dict(model={}), "under 'model', got nothing"),
        (dict(state_dict={5: torch.ones(1)}), 'a weight is named 5, expected a text'),
        (dict(a=3.0), "entry 'a' is a float, expected a tensor"),
        (dict(meta={}), "entry 'meta' is a dict, expected a tensor"),
    ],
)
def test_entries_that_are_not_weights_are_named(save, content, message):
    with pytest.raises(ValueError, match=rf'a\.pth.*{message}'):
        read_checkpoint(save(content))


@pytest.mark.parametrize(
    ('value', 'problem'),
    [
        (torch.tensor([1, float('nan')]), 'NaN or infinite'),
        (torch.tensor(float('-inf'), dtype=torch.bfloat16), 'NaN or infinite'),
        (torch.ones(2, dtype=torch.complex64), 'torch.complex64, expected real'),
        (torch.ones(2).to_sparse(), 'is a sparse'),
        (torch.quantize_per_tensor(torch.ones(2), 1, 0, torch.qint8), 'quantized'),
        (torch.ones(2, device='meta'), 'on the device "meta"'),
        (torch.ones(1).expand(10**6), 'is an expanded tensor'),
    ],
)
def test_tensors_without_usable_values_are_named(save, value, problem):
    path = save(dict(state_dict={'b': torch.ones(1), 'a\x1b[31m': value}))
    with pytest.raises(ValueError, match=rf"a\.pth: entry 'a\\x1b\[31m' .*{problem}"):
        read_checkpoint(path)


def test_arrays_are_converted_to_tensors(tmp_path):
    arrays = dict(a=np.arange(3, dtype='>f4'), b=np.float64(2), c=np.ones((2, 1)))
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps(dict(model=arrays, author='x')))
    tensors = read_tensors(tmp_path / 'a.pkl')
    assert {n: t.tolist() for n, t in tensors.items()} == dict(
        a=[0, 1, 2], b=2, c=[[1], [1]]
    )


@pytest.mark.parametrize(
    'weights',
    [
        {5: np.zeros(2)},
        {'a': np.array([None, 1], dtype=object)},
        {'a': np.array(['x', 'yy'])},
        {'a': np.array([1, np.inf])},
        {'a': np.array([1j])},
        {'a': np.zeros(1, dtype=[('x', 'f4')])},
        {'a': [1.0]},
    ],
    ids=['number as name', 'objects', 'texts', 'inf', 'complex', 'records', 'list'],
)
def test_arrays_that_are_no_weights_are_refused(tmp_path, weights):
    path = tmp_path / 'other.pkl'
    path.write_bytes(pickle.dumps({'model': weights}))
    with pytest.raises(ValueError, match=r"other\.pkl: .*('a'|named 5)"):
        read_tensors(path)


def test_array_larger_than_its_file_is_refused(tmp_path):
    """A pickle may ask for any memory by the call of a constructor."""
    path = tmp_path / 'huge.pkl'
    path.write_bytes(pickle.dumps(dict(a=Runs(np.ndarray, (10**12,)))))
    with pytest.raises(ValueError, match=r'huge\.pkl'):
        read_tensors(path)


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_written_weights_are_read_back(tmp_path, suffix):
    weights = {
        'a': torch.randn(2, 3).t(),
        'b': torch.arange(3),
        'c': torch.randn(4).to(torch.bfloat16),
        'd': torch.tensor(2.5),
    }
    path = tmp_path / f'a{suffix}'
    write_checkpoint(weights, path, dict(classes=['cat', 'dog']))
    content = read_checkpoint(path)
    assert content['meta'] == dict(classes=['cat', 'dog'])
    assert content['state_dict'].keys() == weights.keys()
    for name, value in weights.items():
        assert content['state_dict'][name].dtype == value.dtype
        assert torch.equal(content['state_dict'][name], value)


def test_safetensors_of_others_and_damaged_ones(tmp_path):
    path = tmp_path / 'a.safetensors'
    save_file(dict(w=torch.ones(2)), path)
    assert read_tensors(path)['w'].tolist() == [1, 1]
    write_checkpoint(dict(w=torch.ones(2)), path, {})
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'a\.safetensors is corrupted: the digest'):
        read_tensors(path)
    path.write_bytes(content[:20])
    with pytest.raises(ValueError, match=r'a\.safetensors is not a checkpoint'):
        read_tensors(path)


def test_file_inside_a_package_is_read_without_its_import(package):
    assert read_tensors(f'{package}/models/net.pth')['w'].tolist() == [1, 1]
    assert read_tensors(f'{package}.models/net.pth')['w'].tolist() == [1, 1]
    assert 'small_weights' not in sys.modules


@pytest.mark.parametrize(
    ('name', 'error', 'message'),
    [
        ('package://no_such_package/a.pth', ValueError, 'no installed Python package'),
        ('package://', ValueError, 'Expected package://MODULE/PATH'),
        ('package://argparse/a.pth', ValueError, 'no installed Python package'),
        ('package://small_weights/../outside.pth', ValueError, 'is not inside'),
        ('package://small_weights//etc/passwd', ValueError, 'is not inside'),
        ('package://small_weights/b.pth', FileNotFoundError, r'small_weights/b\.pth'),
        ('package://small_weights', ValueError, 'small_weights is a folder'),
    ],
)
def test_wrong_names_in_packages(package, name, error, message):
    with pytest.raises(error, match=message):
        find_checkpoint(name)


def test_an_array_in_place_of_the_weights(tmp_path):
    torch.save(dict(state_dict=np.zeros(2)), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'a\.pth holds no weights.* got a ndarray'):
        read_checkpoint(tmp_path / 'a.pth')


def test_a_checkpoint_of_a_training_that_was_not_run_names_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = 'work_dirs/first_stage/iter_9.pth'
    with pytest.raises(FileNotFoundError, match='no such checkpoint file: '):
        find_checkpoint(name)
    (tmp_path / 'configs').mkdir()
    (tmp_path / 'configs/first_stage.py').touch()
    with pytest.raises(FileNotFoundError, match=r'train configs/first_stage\.py'):
        find_checkpoint(name)
