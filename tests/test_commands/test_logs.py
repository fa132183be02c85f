import json

import pytest

from mmvis.commands.logs import draw_curves, main, read_curves
from mmvis.errors import UserKeyError


def write_log(folder, *rows):
    path = folder / 'vis_data' / 'scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))


@pytest.fixture
def work_dir(tmp_path):
    """A training that was interrupted after iteration 20 and resumed from 10."""
    write_log(
        tmp_path / '20260101_000000',
        dict(loss=4.0, lr=0.1, step=10),
        dict(loss=3.5, lr=0.1, step=20),
    )
    write_log(
        tmp_path / '20260101_000001',
        dict(loss=3.0, lr=0.1, step=20, phase='train'),
        {'youtube_vis/AP': 0.25, 'step': 20},
    )
    return tmp_path


def test_resumed_runs_are_joined(work_dir):
    assert read_curves(work_dir) == {
        'loss': {10: 4.0, 20: 3.0},
        'lr': {10: 0.1, 20: 0.1},
        'youtube_vis/AP': {20: 0.25},
    }


def test_figure_is_written(work_dir, capsys):
    out = work_dir / 'figures' / 'curves.png'
    main([str(work_dir), '--out', str(out)])
    assert out.read_bytes().startswith(b'\x89PNG')
    assert capsys.readouterr().out.strip() == str(out)


def test_names_are_listed(work_dir, capsys):
    main([str(work_dir), '--list'])
    assert capsys.readouterr().out.split() == ['loss', 'lr', 'youtube_vis/AP']


def test_unknown_numbers_are_named(work_dir):
    runs = {'a': read_curves(work_dir)}
    with pytest.raises(UserKeyError, match=r"'los'. Logged were loss, lr"):
        draw_curves(runs, ['los'], work_dir / 'x.png')


@pytest.mark.parametrize('content', [None, '', '{"loss": 1}\n', '[1]\n', '{"loss'])
def test_work_dirs_without_readable_logs_are_one_message(tmp_path, content, capsys):
    if content is not None:
        write_log(tmp_path / 'run')
        (tmp_path / 'run/vis_data/scalars.json').write_text(content)
    with pytest.raises(SystemExit) as end:
        main([str(tmp_path)])
    assert end.value.code == 2
    assert str(tmp_path) in capsys.readouterr().err


@pytest.mark.parametrize(
    'content', [b'\xff\xfe', b'{"step": "x"}', b'{"step": Infinity}']
)
def test_damaged_logs_are_one_message(tmp_path, content, capsys):
    write_log(tmp_path / 'run')
    (tmp_path / 'run/vis_data/scalars.json').write_bytes(content)
    with pytest.raises(SystemExit) as end:
        main([str(tmp_path)])
    assert end.value.code == 2
    assert 'line 1 is not a row of logged numbers' in capsys.readouterr().err
