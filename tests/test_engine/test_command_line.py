import os
import re

import pytest

from mmvis.engine.command_line import (
    ConverterArgumentParser,
    RunArgumentParser,
    ToolArgumentParser,
    parse_config_value,
    positive_int,
    probability,
    seed,
)


@pytest.fixture
def parser():
    return RunArgumentParser('Bake.', 'examples', 'tins', 'oven.degrees=180')


def test_arguments_of_every_run(parser, monkeypatch):
    monkeypatch.delenv('LOCAL_RANK', raising=False)
    args = parser.parse_args(
        ['a.py', '--cfg-options', 'b.c=[1,2]', 'd=None', '--local-rank', '3']
    )
    assert args.config == 'a.py'
    assert args.work_dir is None
    assert args.cfg_options == {'b.c': [1, 2], 'd': None}
    assert args.launcher == 'none'
    assert os.environ['LOCAL_RANK'] == '3'


def test_rank_of_the_launcher_stays(parser, monkeypatch):
    monkeypatch.setenv('LOCAL_RANK', '1')
    parser.parse_args(['a.py'])
    assert os.environ['LOCAL_RANK'] == '1'


def test_options_given_twice_are_merged(parser):
    args = parser.parse_args(['a.py', '--cfg-options', 'a=1', '--cfg-options', 'b=2'])
    assert args.cfg_options == {'a': 1, 'b': 2}


@pytest.mark.parametrize('word', ['data/', '=1'])
def test_option_without_key_is_one_message(parser, capsys, word):
    with pytest.raises(SystemExit):
        parser.parse_args(['a.py', '--cfg-options', 'data_root=/my', word])
    message = capsys.readouterr().err
    assert f"expected KEY=VALUE, got '{word}'" in message
    assert '"KEY=my data"' in message


@pytest.mark.parametrize(
    'text',
    [
        '/my data/', '/data, second part/', 'a,b', ' a', '(a)/b(c)', '[a', 'a]', "it's",
        'a=b', '', '[a]/[b]', 'C:\\data', '~/d', 'name"', '1,', '{a: b}', "'a' 'b",
        '1 2',
    ],
)  # fmt: skip
def test_text_arrives_as_it_is_given(text):
    assert parse_config_value(text) == text


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('1', 1), ('-1.5e-3', -1.5e-3), ('1e-4', 1e-4), ('True', True),
        ('false', False), ('None', None), ('"1"', '1'), ("'a, b'", 'a, b'), ('[]', []),
        ('[1, 2]', [1, 2]), ('(1,)', (1,)), ('(1)', (1,)), ('1,2.5', [1, 2.5]),
        ('[(120,64),(96,80)]', [(120, 64), (96, 80)]), ('{"a": [1]}', {'a': [1]}),
        ('[a b, None,(x,1)]', ['a b', None, ('x', 1)]), ('[[a],[b]]', [['a'], ['b']]),
        ('[a/(b)/c, d]', ['a/(b)/c', 'd']),
    ],
)  # fmt: skip
def test_values_that_are_no_text(text, value):
    parsed = parse_config_value(text)
    assert parsed == value
    assert type(parsed) is type(value)


def test_arguments_of_a_converter(capsys):
    texts = dict(examples='examples', src_help='a file', default_config='by depth')
    parser = ConverterArgumentParser('Convert.', **texts)
    args = parser.parse_args(['a.pth', 'b.pth', '--reverse'])
    assert (args.src, args.dst, args.config) == ('a.pth', 'b.pth', None)
    assert args.reverse
    one_way = ConverterArgumentParser('Convert.', **texts, has_reverse=False)
    with pytest.raises(SystemExit):
        one_way.parse_args(['a.pth', 'b.pth', '--reverse'])
    assert '--reverse' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('read', 'text', 'expected'),
    [
        (positive_int, '0', 'an integer of at least 1'),
        (positive_int, '-3', 'an integer of at least 1'),
        (positive_int, '1.5', 'an integer of at least 1'),
        (seed, '-1', r'an integer in \[0, 2\*\*32\)'),
        (seed, str(2**32), 'an integer in'),
        (probability, 'nan', r'a number in \[0, 1\]'),
        (probability, '1.1', 'a number in'),
        (probability, 'x', "a number in .*got 'x'"),
    ],
)
def test_numbers_of_a_command_line(read, text, expected, capsys):
    parser = ToolArgumentParser('Do.')
    parser.add_argument('--number', type=read)
    with pytest.raises(SystemExit):
        parser.parse_args(['--number', text])
    assert re.search(f'--number: must be {expected}', capsys.readouterr().err)


def test_numbers_in_range():
    assert positive_int('1') == 1
    assert seed('0') == 0
    assert seed(str(2**32 - 1)) == 2**32 - 1
    assert [probability(text) for text in ('0', '1', '0.25')] == [0, 1, 0.25]
