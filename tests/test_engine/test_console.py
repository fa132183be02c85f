import itertools
import logging
import warnings

import pytest
from mmengine.logging import MMLogger

from mmvis.engine.console import ConsoleHandler, log_warnings, shorten_console

TORCH_JIT = '`torch.jit.script` is deprecated. Please switch to `torch.compile`.'
_count = itertools.count()


@pytest.fixture
def run(tmp_path, capsys):
    """Log as a run does; return what the console and the log file got."""

    def get(log):
        path = tmp_path / 'run.log'
        logger = MMLogger.get_instance(f'console{next(_count)}', log_file=str(path))
        shorten_console(logger)
        log(logger)
        return capsys.readouterr().out, path.read_text()

    yield get
    MMLogger._instance_dict.clear()


def test_messages_for_the_log_file_only(run):
    def log(logger):
        logger.info('\n' + '-' * 60 + '\nSystem environment:\n    sys.platform: linux')
        logger.info('Hooks will be executed in the following order:\nbefore_run')
        logger.info('Saving checkpoint at 2 iterations')

    console, file = run(log)
    assert console.splitlines()[0].endswith(' Saving checkpoint at 2 iterations')
    assert len(console.splitlines()) == 1
    for text in ('System environment', 'before_run', 'Saving checkpoint'):
        assert text in file


def test_no_time_stands_before_a_table(run):
    table = '+----+\n| AP |\n+----+'
    console, file = run(lambda logger: logger.info(f'\n{table}'))
    assert console == f'{table}\n'
    assert table in file


def test_named_noise_is_left_out_and_no_other_warning(run):
    noise = [
        'backbone.conv1.weight is skipped since its requires_grad=False',
        '"FileClient" will be deprecated in future.',
        '"HardDiskBackend" is the alias of "LocalBackend"',
    ]

    def log(logger):
        for message in noise:
            logger.warning(message)
            logger.error(message)
        # A message for the file only is shown where it is a warning.
        logger.warning('Config:\n is wrong')
        logger.warning('the loss is skipped')

    console, file = run(log)
    assert 'warning: Config:\n is wrong' in console
    assert 'warning: the loss is skipped' in console
    for message in noise:
        assert f' error: {message}' in console
        assert f'warning: {message}' not in console
        assert file.count(message) == 2


def test_warnings_of_python_are_logged(run):
    def log(logger):
        with log_warnings():
            warnings.simplefilter('always')
            warnings.warn(TORCH_JIT, DeprecationWarning, stacklevel=1)
            warnings.warn('5% are lost: deprecated', DeprecationWarning, stacklevel=1)

    console, file = run(log)
    assert 'warning: DeprecationWarning: 5% are lost' in console
    assert 'torch.jit' not in console
    assert 'torch.jit' in file
    assert '5% are lost' in file


def test_without_a_log_warnings_are_shown_as_usual(monkeypatch):
    MMLogger._instance_dict.clear()
    shown = []
    monkeypatch.setattr(warnings, 'showwarning', lambda text, *_: shown.append(text))
    with log_warnings():
        warnings.simplefilter('always')
        warnings.warn('real', UserWarning, stacklevel=1)
        warnings.warn(TORCH_JIT, DeprecationWarning, stacklevel=1)
    assert [str(text) for text in shown] == ['real']


def test_level_and_filter_of_repeated_warnings_stay(tmp_path, capsys):
    logger = MMLogger('quiet', log_level='ERROR')
    console = shorten_console(logger)
    assert logger.handlers == [console]
    logger.warning('not at this level')
    console.setLevel(logging.INFO)
    logger.warning('often')
    logger.warning('often')
    assert capsys.readouterr().out.count('warning: often') == 1


def test_shown_messages_are_not_logged(capsys):
    console = ConsoleHandler()
    console.setLevel(logging.ERROR)  # as in the second process of a distributed run
    console.show('train 0/4 iterations')
    console.setLevel(logging.INFO)
    console.show('train 1/4 iterations')
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith(' train 1/4 iterations')
