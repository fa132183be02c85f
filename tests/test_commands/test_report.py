import json

import pytest

from mmvis.commands.report import main
from mmvis.testing import make_tiny_vis


@pytest.fixture
def data(tmp_path):
    make_tiny_vis(tmp_path, num_videos=2, video_len=3, size=(32, 48))
    gt = json.loads((tmp_path / 'train.json').read_text())
    rows = [
        dict(
            video_id=item['video_id'],
            category_id=item['category_id'],
            score=0.9,
            segmentations=[None] * 3,
        )
        for item in gt['annotations']
    ]
    (tmp_path / 'results.json').write_text(json.dumps(rows))
    return tmp_path


def test_page_is_written(data, capsys):
    out = data / 'new' / 'page.html'
    main([f'{data}/train.json', f'{data}/results.json', '--out', str(out)])
    assert capsys.readouterr().out.strip() == str(out)
    assert '"AP": 0.0' in out.read_text()


def test_frames_are_shown(data):
    out = data / 'page.html'
    command = [f'{data}/train.json', f'{data}/results.json', '--out', str(out)]
    main([*command, '--frames', f'{data}/JPEGImages', '--max-videos', '1'])
    assert out.read_text().count('data:image/jpeg;base64') == 3


def test_a_damaged_file_is_one_message(data, capsys):
    (data / 'results.json').write_text('[{')
    with pytest.raises(SystemExit) as end:
        main([f'{data}/train.json', f'{data}/results.json'])
    assert end.value.code == 2
    assert 'results.json' in capsys.readouterr().err
