import re
import subprocess
import sys
from importlib import import_module

import pytest

from mmvis.commands import COMMANDS, convert, data, main
from mmvis.commands.benchmark import PARTS, SUITE


def test_help_lists_every_command(capsys):
    main([])
    text = capsys.readouterr().out
    for name, (_, what) in COMMANDS.items():
        assert f'  {name} ' in text
        assert what in text


GROUPS = {
    'data': data.COMMANDS,
    'convert': convert.COMMANDS,
    'benchmark': {name: ('', part.what) for name, part in PARTS.items()}
    | {SUITE: ('', 'all of this in one command, as one page with plots')},
}
LEAVES = [[name] for name in COMMANDS if name not in GROUPS] + [
    [group, name] for group, names in GROUPS.items() for name in names
]


@pytest.mark.parametrize('words', LEAVES, ids=' '.join)
def test_every_command_has_help_with_examples(words, capsys, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['mmvis'])
    with pytest.raises(SystemExit) as end:
        main([*words, '--help'])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f'usage: mmvis {" ".join(words)} ')
    assert 'examples:' in text


@pytest.mark.parametrize('group', GROUPS)
def test_groups_list_their_commands(group, capsys, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['mmvis'])
    main([group])
    text = capsys.readouterr().out
    assert text.startswith(f'usage: mmvis {group} COMMAND')
    for name, (_, what) in GROUPS[group].items():
        assert re.search(rf'^  {name} +{re.escape(what)}$', text, re.MULTILINE)


def test_unknown_commands_get_a_similar_one(capsys):
    for words, message in (
        (['modles'], "mmvis has no command 'modles'. Did you mean models?"),
        (['data', 'splt'], "mmvis data has no command 'splt'. Did you mean split?"),
    ):
        with pytest.raises(SystemExit) as end:
            main(words)
        assert end.value.code == 2
        assert message in capsys.readouterr().err


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


def test_no_help_imports_torch_or_mmdetection():
    """They take seconds to import, and help only prints names."""
    code = (
        'import sys; from mmvis.commands import main\n'
        f'for words in {[[], *LEAVES]}:\n'
        '    try:\n'
        "        main([*words, '--help'])\n"
        '    except SystemExit:\n'
        '        pass\n'
        "    slow = {'torch', 'mmcv', 'mmdet', 'matplotlib'} & sys.modules.keys()\n"
        "    assert not slow, f'{words} imports {slow}'\n"
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
