"""The scripts that write pages and pictures of the documentation."""

import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmvis.datasets.shapes_vis import SIZES, generate_shapes_vis

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / 'docs' / 'pictures'
METHODS = ('ifc', 'tevit', 'videomt', 'vistr')


@pytest.fixture
def run_script(monkeypatch):
    """Run a script of tools/docs in this process."""

    def run(name, *args):
        path = ROOT / 'tools' / 'docs' / name
        monkeypatch.setattr(sys, 'argv', [str(path), *map(str, args)])
        return runpy.run_path(str(path), run_name='__main__')

    return run


def test_model_zoo_is_that_of_the_metafile(run_script, tmp_path):
    run_script('write_model_zoo.py', '--out', tmp_path / 'zoo.md')
    page = ROOT / 'docs' / 'model_zoo.md'
    assert (tmp_path / 'zoo.md').read_text() == page.read_text(), (
        'configs/metafile.yml has changed: run python tools/docs/write_model_zoo.py'
    )


def test_published_and_measured_figures_are_apart():
    parts = (ROOT / 'docs' / 'model_zoo.md').read_text().split('\n## ')
    published = next(part for part in parts if part.startswith('Published figures'))
    measured = next(part for part in parts if part.startswith('Measured figures'))
    assert '[`ifc_r50`](../configs/ifc_r50.py) | IFC | 41.6' in published
    assert 'ifc_small_shapes' not in published
    assert '| 53.1 | 80.9 | 56.7 |' in measured
    assert 'ifc_r50`' not in measured


def test_every_model_is_on_the_page():
    text = (ROOT / 'docs' / 'model_zoo.md').read_text()
    for path in (ROOT / 'configs').glob('*.py'):
        assert f'[`{path.stem}`](../configs/{path.name})' in text


def test_measured_figures_are_those_of_the_benchmarks():
    zoo = (ROOT / 'docs' / 'model_zoo.md').read_text().split('\n## ')
    (measured,) = [part for part in zoo if part.startswith('Measured figures')]
    rows = [line.split(' | ') for line in measured.splitlines() if '.py)' in line]
    benchmarks = (ROOT / 'docs' / 'benchmarks.md').read_text()
    assert len(rows) == 7
    for row in rows:
        assert f'| {" | ".join(row[-3:])}' in benchmarks


def test_figures_are_those_of_the_script(run_script, tmp_path):
    run_script('draw_methods.py', '--out-dir', tmp_path)
    assert sorted(path.stem for path in tmp_path.iterdir()) == list(METHODS)
    for path in tmp_path.iterdir():
        assert path.read_text() == (PICTURES / path.name).read_text(), (
            'run python tools/docs/draw_methods.py'
        )


def test_pictures_are_small():
    limits = {'.svg': 20_000, '.webp': 400_000}
    for path in PICTURES.iterdir():
        assert path.stat().st_size < limits[path.suffix]


def test_picture_of_the_first_page_moves():
    with Image.open(PICTURES / 'tracks.webp') as picture:
        assert picture.n_frames == 16
        assert picture.size == (600, 360)


@pytest.fixture(scope='module')
def shapes(tmp_path_factory):
    """Folder of a set with one validation video of two frames of 64 x 96."""
    root = tmp_path_factory.mktemp('data') / 'shapes'
    spec = replace(SIZES['mini'], num_train=0, num_valid=1, num_valid_frames=2)
    generate_shapes_vis(root, spec)
    return root


def draw_with_scores(run_script, shapes, folder, score):
    """Draw the annotation as a results file in which all tracks have one score."""
    gt = json.loads((shapes / 'valid.json').read_text())
    keys = ('video_id', 'category_id', 'segmentations')
    results = [{key: x[key] for key in keys} for x in gt['annotations']]
    path = folder / f'{score}.json'
    path.write_text(json.dumps([result | dict(score=score) for result in results]))
    return draw(run_script, shapes, folder / f'{score}.webp', '--results', path)


def draw(run_script, shapes, path, *options):
    """Draw the only video; returns its frames, each (H, W, 3)."""
    run_script('draw_tracks.py', shapes, '--out', path, '--fps', 5, *options)
    with Image.open(path) as picture:
        assert picture.n_frames == 2
        frames = []
        for frame_id in range(2):
            picture.seek(frame_id)
            frames.append(np.asarray(picture.convert('RGB')).astype(int))
    return frames


def test_tracks_above_the_threshold_are_drawn(run_script, shapes, tmp_path):
    annotated = draw(run_script, shapes, tmp_path / 'gt.webp')
    sure = draw_with_scores(run_script, shapes, tmp_path, 0.9)
    unsure = draw_with_scores(run_script, shapes, tmp_path, 0.1)
    image = Image.open(shapes / 'valid' / 'JPEGImages' / '00000' / '00000.jpg')
    image = np.asarray(image.resize((576, 384), Image.Resampling.BICUBIC)).astype(int)
    # Compression alone changes the frame little, colours over the object much.
    assert np.abs(unsure[0] - image).mean() < 4
    assert np.abs(sure[0] - image).mean() > 4
    # Only labels differ: predicted tracks have a score.
    assert 0 < np.abs(sure[0] - annotated[0]).mean() < 4


def test_unknown_video_names_those_that_exist(run_script, shapes, capsys):
    with pytest.raises(SystemExit) as end:
        run_script('draw_tracks.py', shapes, '--video-id', 77)
    assert end.value.code == 2
    assert 'choose one of [1]' in capsys.readouterr().err
