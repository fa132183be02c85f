import os

import numpy as np
import pytest
import torch
from mmengine.fileio import get_file_backend
from mmengine.logging import MessageHub
from mmengine.runner import CheckpointLoader

from mmvis.engine.checkpoint_files import find_last_checkpoint, read_checkpoint


class Runs:
    """Pickles to a call."""

    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


def test_reads_mmengine_checkpoints(tmp_path):
    hub = MessageHub('any')
    hub.update_scalar('train/loss', 2.0)
    hub.update_scalar('train/loss', 4.0)
    hub.update_info('best', np.float64(0.5))
    path = str(tmp_path / 'iter_1.pth')
    torch.save(dict(state_dict=dict(w=torch.ones(2)), hub=hub.state_dict()), path)
    for content in (read_checkpoint(path), CheckpointLoader.load_checkpoint(path)):
        assert content['state_dict']['w'].tolist() == [1, 1]
        history = content['hub']['log_scalars']['train/loss']
        assert history.mean() == 3
        assert content['hub']['runtime_info']['best'] == 0.5


@pytest.mark.parametrize('load', [read_checkpoint, CheckpointLoader.load_checkpoint])
def test_code_in_a_checkpoint_is_not_run(tmp_path, load):
    proof, path = tmp_path / 'proof', str(tmp_path / 'bad.pth')
    torch.save(dict(state_dict={}, x=Runs(os.mkdir, str(proof))), path)
    with pytest.raises(ValueError, match=r'bad.pth holds more than plain data: \w+'):
        load(path)
    assert not proof.exists()


def test_attribute_lookups_reach_nothing_but_log_statistics(tmp_path):
    path = str(tmp_path / 'bad.pth')
    torch.save(dict(x=Runs(getattr, MessageHub, '__init__')), path)
    with pytest.raises(ValueError, match='holds more than plain data'):
        read_checkpoint(path)
    from mmengine.logging import HistoryBuffer

    torch.save(dict(x=Runs(getattr, HistoryBuffer, '__init__')), path)
    with pytest.raises(ValueError, match='holds more than plain data: builtins'):
        read_checkpoint(path)


def test_damaged_and_missing_files(tmp_path):
    path = tmp_path / 'a.pth'
    torch.save(dict(w=torch.zeros(1000)), path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r'a.pth is not a checkpoint, or is damaged'):
        read_checkpoint(str(path))
    path.write_text('hello')
    with pytest.raises(ValueError, match='is damaged'):
        read_checkpoint(str(path))
    torch.save([1], path)
    with pytest.raises(ValueError, match='holds a list, expected a state dict'):
        read_checkpoint(str(path))
    with pytest.raises(FileNotFoundError, match=r'b.pth does not exist'):
        read_checkpoint(str(tmp_path / 'b.pth'))


def test_unknown_name_of_mmengine():
    with pytest.raises(ValueError, match='open-mmlab://no/such is not known'):
        CheckpointLoader.load_checkpoint('open-mmlab://no/such')


def test_files_are_replaced_only_when_whole(tmp_path, monkeypatch):
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


def test_finds_the_checkpoint_written_last(tmp_path):
    assert find_last_checkpoint(str(tmp_path)) is None
    for time, name in enumerate(['iter_900.pth', 'best_AP.pth', 'iter_50.pth']):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time, time))
    assert find_last_checkpoint(str(tmp_path)) == str(tmp_path / 'iter_50.pth')
