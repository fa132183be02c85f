import errno

import pytest
import torch
from mmdet.models import ResNet
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import HOOKS, OPTIMIZERS, Registry
from mmengine.runner import Runner
from torch.utils.data import DataLoader, Dataset

from mmvis.engine.user_errors import explain, is_user_error, user_errors
from mmvis.errors import UserKeyError, UserTypeError, UserValueError
from mmvis.registry import MODELS


def caught(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except Exception as error:
        return error
    raise AssertionError('no error')


def raise_(error):
    raise error


@pytest.fixture
def parts():
    registry = Registry('part')

    @registry.register_module()
    class Part:
        def __init__(self, width=1):
            self.width = int(width)

    return registry


@pytest.fixture
def log_file(tmp_path):
    """Log file of the current run."""
    path = tmp_path / 'run.log'
    MMLogger.get_instance('test_user_errors', log_file=str(path))
    yield path
    MMLogger._instance_dict.pop('test_user_errors')


def test_marked_errors_are_user_errors():
    for kind in (UserValueError, UserTypeError, UserKeyError):
        assert is_user_error(caught(raise_, kind('fix it')))
    assert is_user_error(caught(open, '/no/such/file'))


def test_bugs_are_not():
    # An unmarked `raise` is none either: it may be one inside torch.
    assert not is_user_error(caught(raise_, ValueError('a bug')))
    assert not is_user_error(caught(lambda: {}['key']))
    assert not is_user_error(caught(lambda: None + 1))
    assert not is_user_error(caught(torch.zeros(2).view, 3))
    assert not is_user_error(caught(torch.nn.Linear(2, 3), torch.zeros(4)))
    with pytest.raises(KeyError), user_errors('c.py'):
        {}['key']


def test_wrong_arguments_of_a_config_are(parts):
    error = caught(parts.build, dict(type='Part', widht=2))
    assert is_user_error(error)
    assert 'widht' in explain(error)


def test_wrong_values_of_borrowed_parts_are():
    backbone = caught(MODELS.build, dict(type='ResNet', depth=51))
    optimizer = caught(
        OPTIMIZERS.build, dict(type='AdamW', params=[torch.zeros(1)], lr=-1.0)
    )
    assert explain(backbone) == 'invalid depth 51 for resnet'
    assert explain(optimizer) == 'Invalid learning rate: -1.0'
    # Raised by a private function of the constructor.
    hook = caught(HOOKS.build, dict(type='CheckpointHook', save_best='nope'))
    assert is_user_error(backbone)
    assert is_user_error(optimizer)
    assert is_user_error(hook)


def test_bugs_of_parts_and_of_calls_without_config_are_not(parts):
    assert not is_user_error(caught(parts.build, dict(type='Part', width=None)))
    assert not is_user_error(caught(ResNet, depth=51))

    @parts.register_module()
    class Loads:
        def __init__(self):
            torch.nn.Linear(1, 1).load_state_dict('a bug of this class')

    assert not is_user_error(caught(parts.build, dict(type='Loads')))


@pytest.mark.parametrize(
    ('kind', 'expected'), [(UserTypeError, True), (TypeError, False)]
)
def test_type_error_of_a_hook_stays_what_it_is(kind, expected):
    """MMEngine raises another TypeError in its place."""
    runner = Runner.__new__(Runner)
    hook = type('Hook', (), dict(before_run=lambda *_: raise_(kind('of a hook'))))()
    runner._hooks = [hook]
    error = caught(runner.call_hook, 'before_run')
    assert type(error) is TypeError
    assert is_user_error(error) == expected
    assert explain(error) == 'of a hook'


def test_message_names_the_file_and_ends_the_program(capsys):
    with pytest.raises(SystemExit) as stop, user_errors('configs/c.py'):
        raise UserValueError('fix it')
    assert stop.value.code == 2
    assert capsys.readouterr().err == 'error: configs/c.py: fix it\n'


def test_traceback_goes_to_the_log_file(log_file, capsys):
    cfg = Config(dict(work_dir=str(log_file.parent)))
    with pytest.raises(SystemExit), user_errors('c.py', cfg):
        raise_(UserKeyError('fix it'))
    assert f'details: {log_file}' in capsys.readouterr().err
    with pytest.raises(ZeroDivisionError), user_errors('c.py', cfg):
        1 / 0  # noqa: B018
    other = Config(dict(work_dir=str(log_file.parent / 'other')))
    for earlier in (None, other):
        with pytest.raises(SystemExit), user_errors('c.py', earlier):
            raise UserKeyError('before there is a log')
    assert 'details' not in capsys.readouterr().err
    text = log_file.read_text()
    assert text.count('Traceback (most recent call last)') == 2
    assert 'in raise_' in text
    assert 'mmvis.errors.UserKeyError: fix it' in text
    assert 'ZeroDivisionError' in text


def test_unknown_type_is_found_in_the_config():
    heads = [dict(type='A'), dict(type='IFCHaed')]
    cfg = Config(dict(model=dict(type='IFC', heads=heads)))
    error = caught(lambda: MODELS.build(heads[1]))
    assert is_user_error(error)
    message = explain(error, cfg)
    assert message.startswith("`model.heads.1.type` is 'IFCHaed', which is no model")
    assert 'Did you mean IFCHead' in message
    assert explain(KeyError('other'), cfg) == 'other'


class Broken(Dataset):
    """Raises the error when a sample is loaded."""

    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 1

    def __getitem__(self, idx):
        raise self.error


@pytest.mark.parametrize(
    ('error', 'message'),
    [
        (UserValueError('a.json: line 1\nand 2'), 'a.json: line 1\nand 2'),
        (UserKeyError('no key'), 'no key'),
        (
            FileNotFoundError(errno.ENOENT, 'No such file', 'a.jpg'),
            "[Errno 2] No such file: 'a.jpg'",
        ),
    ],
)
def test_errors_of_loader_workers_show_only_their_message(error, message):
    loader = DataLoader(Broken(error), num_workers=1)
    found = caught(list, loader)
    assert type(found) is type(error)
    assert is_user_error(found)
    assert explain(found) == message


def test_bug_in_a_loader_worker_is_none():
    loader = DataLoader(Broken(ValueError('a bug')), num_workers=1)
    assert not is_user_error(caught(list, loader))


def test_full_disk_names_the_file():
    def fill():
        with open('/dev/full', 'w') as file:
            file.write('x')

    error = caught(fill)
    assert error.errno == errno.ENOSPC
    message = explain(error, Config(dict(work_dir='work_dirs/a')))
    assert message.startswith('No space left on device: work_dirs/a. Free some space')
    error.filename = 'iter_2.pth'
    assert 'device: iter_2.pth. Free' in explain(error)


@pytest.mark.parametrize(
    'message',
    [
        'unable to open shared memory object </torch_12_34> in read-write mode: No '
        'space left on device (28)',
        'unable to write to file </torch_12_34_0>: No space left on device (28)',
        "DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that "
        "dataloader's workers are out of shared memory.",
    ],
)  # fmt: skip
def test_shared_memory_is_named_with_its_remedy(message):
    def exit_unexpectedly():
        try:
            raise RuntimeError(message)
        except RuntimeError as error:
            raise RuntimeError('DataLoader worker (pid(s) 7) exited') from error

    for error in (caught(raise_, RuntimeError(message)), caught(exit_unexpectedly)):
        assert is_user_error(error)
        assert '--shm-size' in explain(error)
        assert 'train_dataloader.num_workers=0' in explain(error)


def test_lack_of_memory_is_named_with_its_remedy():
    error = caught(lambda: torch.empty(2**60))
    assert is_user_error(error)
    assert 'batch_size' in explain(error)
    killed = RuntimeError('DataLoader worker (pid 7) is killed by signal: Killed. ')
    assert 'Lower num_workers' in explain(killed)


def test_message_is_escaped(capsys):
    with pytest.raises(SystemExit), user_errors('a\x1b[2J.py'):
        raise UserValueError('two\nlines of \udcff')
    assert capsys.readouterr().err == 'error: a\\x1b[2J.py: two\nlines of \\udcff\n'
