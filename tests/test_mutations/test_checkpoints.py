"""Changed checkpoints are loaded right or refused in one clear message.

A judge that shares no code with the package says which weights are valid; what is
accepted for resuming must resume. Ten thousand of each kind:

    pytest tests/test_mutations --hypothesis-profile=long
"""

import copy
import functools
import io
import math
import pickle
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import event, given
from hypothesis import strategies as st
from mmengine.logging import HistoryBuffer
from mmengine.optim import MultiStepLR, OptimWrapper
from safetensors.torch import save
from torch import nn

from mmvis.converters.checkpoint_file import read_checkpoint
from mmvis.engine.resuming import check_resumable
from mmvis.engine.strict_loading import load_strictly
from mmvis.errors import UserError

from .places import apply

NAN, INF = float('nan'), float('inf')
# What a place may hold instead.
VALUES = (
    None, True, False, 0, 1, 7, -1, 2**40, 2**70, 0.0, 0.5, -0.5, NAN, INF, 1e300, 'a',
    '', '\x1b[2J', b'a', [], [0], [[]], [None], (), (0.9, 0.999), {}, {'a': 1}, {1: {}},
    {'state_dict': 1}, 10**400, slice(1), np.float64(NAN), np.ones(2), np.ones((2, 2)),
    torch.ones(3), torch.tensor(NAN), torch.ones(2, device='meta'), torch.tensor([]),
    HistoryBuffer([1.0], [1]),
)  # fmt: skip
# What may become of a tensor; numpy's dtypes where arrays are saved.
TENSORS = (
    lambda t: t.half(), lambda t: t.double(), lambda t: t.to(torch.bfloat16),
    lambda t: t.char(), lambda t: t.bool(), lambda t: t.to(torch.complex64),
    lambda t: t.to_sparse(), lambda t: t.to('meta'), lambda t: t[None], lambda t: -t,
    lambda t: t.flatten(), lambda t: t.mT if t.ndim > 1 else t[:-1], lambda t: t * NAN,
    lambda t: t.double() * 1e300 * 1e5, lambda t: t.double() + 1e300,
    lambda t: nn.Parameter(t.float()), lambda t: t[:0], lambda t: t.long(),
    lambda t: t.clone().fill_(-1), lambda t: torch.ones(1).expand(t.shape),
    lambda t: t.float().numpy(), lambda t: t.tolist(), lambda t: with_one(t, NAN),
    lambda t: with_one(t, INF), lambda t: with_one(t, 3),
)  # fmt: skip
OPERATIONS = (
    'replace', 'tensor', 'tensor', 'tensor', 'delete', 'rename', 'number', 'swap',
    'prefix', 'add',
)  # fmt: skip
steps = st.lists(
    st.tuples(
        st.integers(0, 2**12),
        st.sampled_from(OPERATIONS),
        st.integers(0, len(VALUES) * len(TENSORS)),
    ),
    max_size=3,
)
byte_steps = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.sampled_from(['flip', 'flip', 'set', 'cut', 'insert', 'delete']),
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=3,
)


def with_one(tensor, value):
    tensor = tensor.detach().clone().float()
    tensor.flatten()[:1] = value
    return tensor


def make_model():
    return nn.ModuleDict(
        dict(a=nn.Conv2d(3, 2, 1), bn=nn.BatchNorm2d(2), b=nn.Conv2d(2, 1, 1))
    )


def make_run(model):
    wrapper = OptimWrapper(torch.optim.AdamW(model.parameters(), lr=1e-3))
    schedule = MultiStepLR(wrapper, milestones=[3], by_epoch=False)
    return SimpleNamespace(
        optim_wrapper=wrapper,
        param_schedulers=[schedule],
        train_loop=SimpleNamespace(max_iters=9),
        _load_from=None,
    )


def train_step(model, runner):
    images = torch.arange(12.0).view(1, 3, 2, 2)
    runner.optim_wrapper.update_params(
        model.b(model.bn(model.a(images))).square().sum()
    )


@functools.cache
def make_checkpoint():
    torch.manual_seed(0)
    model = make_model()
    runner = make_run(model)
    train_step(model, runner)
    logs = dict(log_scalars={'loss': HistoryBuffer([0.5], [1])})
    return dict(
        meta=dict(iter=1, epoch=0, seed=3, dataset_meta=dict(classes=('a', 'b'))),
        state_dict=model.state_dict(),
        message_hub=dict(logs, runtime_info=dict(iter=1), resumed_keys={}),
        optimizer=runner.optim_wrapper.state_dict(),
        param_schedulers=[s.state_dict() for s in runner.param_schedulers],
    )


def change(parent, key, operation, which, _):
    old = parent[key]
    value = copy.deepcopy(VALUES[which % len(VALUES)])
    is_dict = isinstance(parent, dict)
    if operation == 'tensor' and isinstance(old, torch.Tensor):
        parent[key] = altered(old, TENSORS[which % len(TENSORS)])
    elif operation == 'delete':
        del parent[key]
    elif operation == 'rename' and is_dict:
        parent[value if isinstance(value, (str, int, float)) else 'new'] = parent.pop(
            key
        )
    elif operation == 'prefix' and is_dict and isinstance(key, str):
        parent[f'module.{key}'] = parent.pop(key)
    elif operation == 'add' and is_dict:
        parent['more'] = value
    elif operation == 'swap' and is_dict:
        other = list(parent)[which % len(parent)]
        parent[key], parent[other] = parent[other], parent[key]
    elif operation == 'number' and type(old) in (int, float):
        parent[key] = (old + 1, -old - 1, 1.0, NAN, '1')[which % 5]
    else:
        parent[key] = value


def altered(tensor, function):
    try:
        return function(tensor)
    except (RuntimeError, IndexError, TypeError):  # not for this dtype, layout or shape
        return None


def change_bytes(data, mutations):
    data = bytearray(data)
    for place, operation, value in mutations:
        at = int(place * len(data)) if data else 0
        if operation == 'flip' and data:
            data[at] ^= 1 << value % 8
        elif operation == 'set' and data:
            data[at] = value
        elif operation == 'cut':
            del data[at:]
        elif operation == 'insert':
            data.insert(at, value)
        elif data:
            del data[at]
    return bytes(data)


def to_bytes(content, **options):
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


def judged_weights(content):
    """Weights by name if they are those of the model, else None."""
    weights = content.get('state_dict', content.get('model', content))
    if type(weights) not in (dict, type(make_checkpoint()['state_dict'])):
        return None
    if not all(type(name) is str for name in weights):
        return None
    names = [n[7:] if n.startswith('module.') else n for n in weights]
    if sorted(names) != sorted(make_checkpoint()['state_dict']):
        return None
    weights = dict(zip(names, weights.values()))
    is_fine = all(
        is_weight(n, v, make_model().state_dict()[n]) for n, v in weights.items()
    )
    return weights if is_fine else None


def is_weight(name, value, expected):
    if isinstance(value, np.ndarray | np.generic):
        value = torch.tensor(value) if value.dtype.kind in 'fiu' else None
    if not isinstance(value, torch.Tensor) or value.is_meta or value.is_sparse:
        return False
    is_float = value.dtype in (torch.half, torch.bfloat16, torch.float, torch.double)
    is_int = value.dtype in (torch.int8, torch.int64)
    if value.shape != expected.shape or not (
        is_float if expected.is_floating_point() else is_int
    ):
        return False
    if value.numel() > 1 and 0 in value.stride():
        return False  # one number for all
    numbers = value.detach().double().flatten().tolist()
    is_finite = all(math.isfinite(x) and abs(x) < 3.4028235e38 for x in numbers)
    return is_finite and not (name == 'bn.running_var' and min(numbers) < 0)


def assert_clear(error, path):
    message = str(error)
    assert str(path) in message
    assert message.isprintable()
    assert 15 < len(message.replace(str(path), '')) < 700
    assert message.endswith(('.', '?'))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('mutations')


@given(mutations=steps, is_new_format=st.booleans())
def test_weights_are_loaded_right_or_refused(folder, mutations, is_new_format):
    content = apply(make_checkpoint(), mutations, change)
    path = folder / 'changed.pth'
    path.write_bytes(to_bytes(content, _use_new_zipfile_serialization=is_new_format))
    expected, model = judged_weights(content), make_model()
    if expected is None:
        event('not valid')
        with pytest.raises(UserError) as error:
            load_strictly(model, str(path))
        assert_clear(error.value, path)
    else:
        event('valid')
        load_strictly(model, str(path))
        for name, value in model.state_dict().items():
            given_value = torch.as_tensor(expected[name]).to(value.dtype)
            assert torch.equal(value, given_value)


@given(mutations=steps)
def test_trainings_resume_or_are_refused(folder, mutations):
    content = apply(make_checkpoint(), mutations, change)
    path = folder / 'changed.pth'
    path.write_bytes(to_bytes(content))
    model = make_model()
    runner = make_run(model)
    runner._load_from = str(path)
    try:
        content = load_strictly(model, str(path))
        check_resumable(runner, content)
    except UserError as error:
        event('not valid')
        assert_clear(error, path)
        return
    event('valid')
    for name in ('optimizer', 'param_schedulers', 'message_hub', 'meta'):
        assert name in content
    # Settings are those of the config, as `ConfigResumeHook` takes them.
    settings = runner.optim_wrapper.state_dict()
    state = content['optimizer']['state']
    runner.optim_wrapper.load_state_dict({**settings, 'state': state})
    train_step(model, runner)
    assert all(value.isfinite().all() for value in model.state_dict().values())
    assert 0 <= content['meta']['iter'] <= 9
    for history in content['message_hub']['log_scalars'].values():
        history.update(1.0)
        history.mean()


@given(mutations=byte_steps)
def test_every_changed_byte_of_an_archive_is_noticed(folder, mutations):
    original = to_bytes(make_checkpoint())
    path = folder / 'bytes.pth'
    path.write_bytes(change_bytes(original, mutations))
    try:
        content = read_checkpoint(path)
    except UserError as error:
        event('not valid')
        assert_clear(error, path)
        return
    event('as it was')
    assert to_bytes(content) == to_bytes(read_checkpoint(folder_copy(folder, original)))


def folder_copy(folder, data):
    (folder / 'original.pth').write_bytes(data)
    return folder / 'original.pth'


@functools.cache
def other_formats():
    """Files without a checksum: what is accepted may differ, but can be used."""
    weights = {n: v.clone() for n, v in make_checkpoint()['state_dict'].items()}
    arrays = {name: value.numpy() for name, value in weights.items()}
    return {
        'legacy.pth': to_bytes(make_checkpoint(), _use_new_zipfile_serialization=False),
        'arrays.pkl': pickle.dumps(dict(model=arrays)),
        'weights.safetensors': save(weights),
        'pickle.pth': None,  # the part of an archive, with a new checksum
    }


def with_changed_pickle(mutations):
    source = zipfile.ZipFile(io.BytesIO(to_bytes(make_checkpoint())))
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w') as archive:
        for name in source.namelist():
            data = source.read(name)
            is_pickle = name.endswith('data.pkl')
            archive.writestr(name, change_bytes(data, mutations) if is_pickle else data)
    return file.getvalue()


@given(name=st.sampled_from(sorted(other_formats())), mutations=byte_steps)
def test_other_formats_are_read_or_refused(folder, name, mutations):
    data = other_formats()[name]
    changed = change_bytes(data, mutations) if data else with_changed_pickle(mutations)
    path = folder / name
    path.write_bytes(changed)
    model = make_model()
    try:
        load_strictly(model, str(path))
    except UserError as error:
        event('not valid')
        assert_clear(error, path)
    else:
        event('valid')
        assert all(value.isfinite().all() for value in model.state_dict().values())
