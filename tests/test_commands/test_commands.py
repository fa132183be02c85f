import re
import subprocess
import sys
from importlib import import_module

import pytest

from mmvis.commands import COMMANDS, convert, data, main


def test_help_lists_every_command(capsys):
    main([])
    text = capsys.readouterr().out
    for name, (_, what) in COMMANDS.items():
        assert f'  {name} ' in text
        assert what in text


GROUPS = {'data': data.COMMANDS, 'convert': convert.COMMANDS}
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


def test_help_imports_neither_torch_nor_mmdetection():
    code = (
        'import sys; from mmvis.commands import main; main([]); '
        "print([n for n in ('torch', 'mmcv', 'mmdet') if n in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True
    ).stdout
    assert output.splitlines()[-1] == '[]'


@pytest.mark.parametrize(
    ('words', 'output'),
    [
        (['evaluate', 'gt.json', 'results.json', '--out'], 'gt.json'),
        (['evaluate', 'gt.json', 'results.json', '--out'], 'results.json'),
        (['report', 'gt.json', 'results.json', '--out'], 'gt.json'),
        (['report', 'gt.json', 'results.json', '--out'], 'results.json'),
        (['data', 'check', 'gt.json', '--fix'], 'gt.json'),
        (['data', 'convert', 'gt.json', '--from', 'coco'], 'gt.json'),
        (['convert', 'ifc', 'gt.json'], 'gt.json'),
        (['convert', 'videomt', 'gt.json'], 'gt.json'),
    ],
)
def test_no_output_overwrites_an_input(words, output, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'argv', ['mmvis'])
    for name in ('gt.json', 'results.json'):
        (tmp_path / name).write_text('input')
    with pytest.raises(SystemExit) as end:
        main([*words, f'../{tmp_path.name}/{output}'])
    assert end.value.code == 2
    assert f'the input {output}, which would be lost' in capsys.readouterr().err
    assert (tmp_path / output).read_text() == 'input'


@pytest.mark.parametrize(
    'words',
    [
        ['config', 'ifc_r50', '--frames', '0'],
        ['config', 'ifc_r50', '--size', '0', '9'],
        ['evaluate', 'a', 'b', '--min-long-len', '0'],
        ['evaluate', 'a', 'b', '--score-thr', 'nan'],
        ['report', 'a', 'b', '--max-videos', '-1'],
        ['report', 'a', 'b', '--max-side', '0'],
        ['data', 'check', 'a', '--examples', '0'],
        ['data', 'browse', 'ifc_r50', '--num-clips', '0'],
        ['data', 'browse', 'ifc_r50', '--seed', '-1'],
        ['data', 'split', 'a', '--seed', '-1'],
    ],
    ids=' '.join,
)
def test_numbers_out_of_range_are_refused(words, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['mmvis'])
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert re.search(r'argument --[\w-]+: must be ', capsys.readouterr().err)
