import json
import runpy
import sys
from pathlib import Path

import pytest

from mmvis.commands.data import shapes
from mmvis.datasets import shapes_vis

TOOL = Path(__file__).parents[3] / 'tools' / 'dataset_converters' / 'make_shapes_vis.py'
TINY = [
    '--size',
    'mini',
    '--num-train',
    '2',
    '--num-valid',
    '1',
    '--height',
    '32',
    '--width',
    '40',
]


@pytest.fixture
def make(monkeypatch):
    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, arguments)])
        runpy.run_path(str(TOOL), run_name='__main__')

    return run


def _lengths(path):
    return [video['length'] for video in json.loads(path.read_text())['videos']]


def test_options_override_the_named_size(make, tmp_path, capsys):
    make(tmp_path / 'set', *TINY, '--num-frames', 3, '--seed', 7)
    meta = json.loads((tmp_path / 'set' / 'meta.json').read_text())
    assert meta['seed'] == 7
    assert (meta['height'], meta['width']) == (32, 40)
    assert _lengths(tmp_path / 'set' / 'train.json') == [3, 3]
    assert _lengths(tmp_path / 'set' / 'valid.json') == [3]
    make(tmp_path / 'set', *TINY, '--num-frames', 3, '--seed', 7)
    assert 'exists already' in capsys.readouterr().out


def test_validation_videos_may_be_longer(make, tmp_path):
    make(tmp_path / 'set', *TINY, '--num-frames', 2, '--num-valid-frames', 4)
    assert _lengths(tmp_path / 'set' / 'train.json') == [2, 2]
    assert _lengths(tmp_path / 'set' / 'valid.json') == [4]


def test_bad_arguments_are_one_error(make, tmp_path, capsys):
    make(tmp_path / 'other', *TINY)
    for folder, option, message in (
        ('set', ('--width', 8), 'width of at least 32, got 8'),
        ('other', ('--seed', 1), 'made with other arguments'),
    ):
        with pytest.raises(SystemExit) as end:
            make(tmp_path / folder, *TINY, *option)
        assert end.value.code == 2
        assert message in capsys.readouterr().err


def test_named_sizes_are_those_of_the_generator():
    assert tuple(shapes_vis.SIZES) == shapes.SIZES
