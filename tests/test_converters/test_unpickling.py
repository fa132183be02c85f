import pickle

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from mmvis.converters.checkpoint_file import read_checkpoint, read_tensors
from mmvis.errors import UserValueError

multiarray = np.core.multiarray if np.__version__ < '2' else np._core.multiarray
FLOAT = np.dtype('<f4')


class PickledArray:
    """Pickled as an array of any state, which NumPy would take at its word."""

    def __init__(self, *state):
        self.state = state

    def __reduce__(self):
        return multiarray._reconstruct, (np.ndarray, (0,), b'b'), self.state


class PickledDType:
    def __init__(self, *state):
        self.state = state

    def __reduce__(self):
        return np.dtype, ('f4', False, True), self.state


BAD = {
    'too few bytes': PickledArray(1, (1000,), FLOAT, False, b'abcd'),
    'too many bytes': PickledArray(1, (1,), FLOAT, False, bytes(400)),
    'more than any memory': PickledArray(1, (2**62, 2**62), FLOAT, False, b''),
    'negative shape': PickledArray(1, (-1,), FLOAT, False, bytes(4)),
    'shape of bools': PickledArray(1, (True,), FLOAT, False, bytes(4)),
    'shape of floats': PickledArray(1, (1.0,), FLOAT, False, bytes(4)),
    'no shape': PickledArray(1, None, FLOAT, False, bytes(4)),
    'no type': PickledArray(1, (1,), None, False, bytes(4)),
    'no data': PickledArray(1, (1,), FLOAT, False, None),
    'list of data': PickledArray(1, (1,), FLOAT, False, [1.0]),
    'short state': PickledArray(1, (1,)),
    'no state': PickledArray(),
    'byte order': PickledArray(1, (1,), PickledDType(3, 'x', None), False, bytes(4)),
    'short state of the type': PickledArray(1, (1,), PickledDType(3), False, bytes(4)),
    'objects': np.array([{}, 1], dtype=object),
    'texts': np.array(['x', 'yy']),
    'fields': np.zeros(2, dtype=[('a', 'f4'), ('b', 'i4')]),
    'times': np.zeros(2, dtype='datetime64[s]'),
}


@pytest.mark.parametrize('suffix', ['.pkl', '.pth'])
@pytest.mark.parametrize('kind', BAD)
def test_arrays_that_are_not_what_they_say(tmp_path, kind, suffix):
    path = tmp_path / f'other{suffix}'
    content = {'model': {'a': BAD[kind]}}
    if suffix == '.pkl':
        path.write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content, path)
    with pytest.raises(UserValueError, match=r'other\.'):
        read_tensors(path)


@pytest.mark.parametrize('protocol', [2, 4])
@pytest.mark.parametrize(
    'array',
    [
        np.arange(6, dtype='<f4').reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype='<f8').reshape(2, 3)),
        np.arange(6, dtype='>f4').reshape(3, 2),
        np.array([[1], [2]], dtype='f2'),
        np.arange(3),
        np.float32(2.5),
        np.zeros((0, 4), dtype='f4'),
    ],
    ids=['C', 'Fortran', 'big endian', 'half', 'int', 'scalar', 'empty'],
)
def test_arrays_are_read_as_they_are(tmp_path, array, protocol):
    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps({'model': {'a': array, 'b': array}}, protocol))
    weights = read_tensors(path)
    for name in ('a', 'b'):
        assert weights[name].shape == array.shape
        np.testing.assert_array_equal(weights[name].numpy(), array)


def test_log_histories_are_read(tmp_path):
    history = HistoryBuffer([1.0, 2.0, 4.0], [1, 1, 2])
    torch.save(dict(state_dict=dict(w=torch.ones(1)), log=history), tmp_path / 'a.pth')
    read = read_checkpoint(tmp_path / 'a.pth')['log']
    assert read.data[0].tolist() == [1, 2, 4]
    assert read.mean() == 7 / 4  # per clip


@pytest.mark.parametrize('is_new_format', [True, False])
@pytest.mark.parametrize(
    'value',
    [np.zeros(0), np.zeros((0, 4), 'f4'), b'', HistoryBuffer()],
    ids=['array', 'rows', 'bytes', 'history'],
)
def test_what_is_empty_is_read(tmp_path, value, is_new_format):
    path = tmp_path / 'a.pth'
    content = dict(state_dict=dict(w=torch.ones(1)), meta=dict(value=value))
    torch.save(content, path, _use_new_zipfile_serialization=is_new_format)
    read = read_checkpoint(path)['meta']['value']
    if isinstance(value, HistoryBuffer):
        assert read.data[0].shape == (0,)
    else:
        assert type(read) is type(value)
        np.testing.assert_array_equal(read, value)


@pytest.mark.parametrize('suffix', ['pth', 'pkl'])
def test_bytes_of_any_length_are_not_made(tmp_path, suffix):
    class Zeros:
        def __reduce__(self):
            return bytes, (10**12,)

    path = tmp_path / f'a.{suffix}'
    content = dict(model=dict(w=np.ones(1, 'f4')), meta=Zeros())
    if suffix == 'pkl':
        path.write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content, path)
    with pytest.raises(UserValueError, match=rf'a\.{suffix} is not a checkpoint, or'):
        read_checkpoint(path)


@pytest.mark.parametrize('codec', ['bz2', 'rot13', 'zlib'])
def test_no_codec_is_run(tmp_path, codec):
    class Encoded:
        def __reduce__(self):
            import _codecs

            return _codecs.encode, ('a', codec)

    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps({'model': {'a': Encoded()}}))
    with pytest.raises(UserValueError, match=f'codec .{codec}'):
        read_tensors(path)


def test_lists_that_hold_themselves(tmp_path):
    circle = []
    circle.append(circle)
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps({'model': {'a': circle}}))
    with pytest.raises(UserValueError, match='nested too deeply'):
        read_tensors(tmp_path / 'a.pkl')
