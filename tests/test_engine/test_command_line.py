import os

import pytest

from mmvis.engine.command_line import RunArgumentParser


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
