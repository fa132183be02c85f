import subprocess
import sys
from importlib import import_module

import pytest

from mmvis.commands import COMMANDS, main


def test_help_lists_every_command(capsys):
    main([])
    text = capsys.readouterr().out
    for name, (_, what) in COMMANDS.items():
        assert f'  {name} ' in text
        assert what in text


@pytest.mark.parametrize('name', COMMANDS)
def test_every_command_has_a_help_that_teaches(name, capsys, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['mmvis'])
    with pytest.raises(SystemExit) as end:
        main([name, '--help'])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f'usage: mmvis {name} ')
    assert 'examples:' in text


def test_unknown_commands_get_a_similar_one():
    with pytest.raises(SystemExit, match=r"no command 'modles'\. Did you mean models"):
        main(['modles'])


def test_words_reach_the_command(monkeypatch):
    received = []
    monkeypatch.setattr(sys, 'argv', ['mmvis'])
    module = import_module(COMMANDS['download'][0])
    monkeypatch.setattr(module, 'main', received.append)
    main(['download', 'a', '--b'])
    assert received == [['a', '--b']]


def test_version(capsys):
    import mmvis

    main(['--version'])
    assert capsys.readouterr().out.strip() == mmvis.__version__


def test_help_imports_neither_torch_nor_mmdetection():
    code = (
        'import sys; from mmvis.commands import main; main([]); '
        "print([n for n in ('torch', 'mmcv', 'mmdet') if n in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True
    ).stdout
    assert output.splitlines()[-1] == '[]'
