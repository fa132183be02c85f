import runpy
import sys
from pathlib import Path

import cv2
import pytest

from mmvis.datasets.shapes_vis import SIZES, generate_shapes_vis

ROOT = Path(__file__).parents[3]
TOOL = ROOT / 'tools' / 'analysis_tools' / 'browse_dataset.py'
CONFIG = ROOT / 'configs' / '_base_' / 'datasets' / 'shapes_vis.py'


@pytest.fixture
def browse(monkeypatch):
    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, arguments)])
        runpy.run_path(str(TOOL), run_name='__main__')

    return run


def test_clips_of_the_training_pipeline_are_drawn(browse, tmp_path):
    generate_shapes_vis(tmp_path / 'set', SIZES['mini'])
    options = (
        *('--num-clips', 3, '--num-frames', 2, '--out-dir', tmp_path / 'out'),
        *('--cfg-options', f'train_dataloader.dataset.data_root={tmp_path}/set/'),
    )
    browse(CONFIG, *options)
    images = sorted((tmp_path / 'out').iterdir())
    assert [path.name for path in images] == ['00000.png', '00003.png', '00007.png']
    height, width, _ = cv2.imread(str(images[0])).shape
    assert height == 4 * 72  # frames of 72 rows, enlarged to be seen
    assert width == 2 * height * 96 // 64 + 6


def test_missing_data_set_is_one_message(browse, tmp_path, capsys):
    option = f'train_dataloader.dataset.data_root={tmp_path}/none/'
    with pytest.raises(SystemExit):
        browse(CONFIG, '--cfg-options', option)
    assert f'{tmp_path}/none/train.json' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ('dataset.pipeline=[]', '`train_dataloader.dataset.pipeline` must be a list'),
        ('dataset.data_prefx=1', "has no argument 'data_prefx'. Did you mean data_pre"),
    ],
)
def test_mistakes_of_the_config_are_one_message(browse, option, message, capsys):
    with pytest.raises(SystemExit):
        browse(CONFIG, '--cfg-options', f'train_dataloader.{option}')
    assert message in capsys.readouterr().err
