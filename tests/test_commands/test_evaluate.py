import json
import subprocess
import sys
from pathlib import Path

import pytest

from mmvis.commands.evaluate import main
from mmvis.evaluation.track_metrics import TRACK_METRICS
from mmvis.testing import make_tiny_vis

ROOT = Path(__file__).parents[2]


@pytest.fixture
def files(tmp_path):
    """A ground truth, and results that are it, one object of four with a low score."""
    gt_file = make_tiny_vis(tmp_path, kind='compressed')
    results = [
        dict(
            video_id=item['video_id'],
            category_id=item['category_id'],
            segmentations=item['segmentations'],
            score=0.2 if number == 0 else 0.9,
        )
        for number, item in enumerate(json.loads(gt_file.read_text())['annotations'])
    ]
    (tmp_path / 'results.json').write_text(json.dumps(results))
    return [str(gt_file), str(tmp_path / 'results.json')]


def test_track_metrics_are_printed_and_written(files, tmp_path, capsys):
    pytest.importorskip('trackeval')
    out = tmp_path / 'metrics.json'
    main([*files, '--track-metrics', '--score-thr', '0.1', '--out', str(out)])
    metrics = json.loads(out.read_text())
    assert metrics['AP'] == 1
    assert [metrics[name] for name in TRACK_METRICS] == pytest.approx([1] * 9)
    table = capsys.readouterr().out
    assert all(f' {name} ' in table for name in TRACK_METRICS)
    assert table.count('100.0') >= 9
    main([*files, '--track-metrics', '--out', str(out)])  # one object is below 0.3
    fewer = json.loads(out.read_text())
    assert fewer['AP'] == fewer['TrackMAP'] == pytest.approx(1)
    assert fewer['J&F'] == pytest.approx(3 / 4)


def test_class_agnostic_scores_forget_the_names(files, tmp_path, capsys):
    gt_file, results_file = files
    results = json.loads(Path(results_file).read_text())
    categories = sorted({entry['category_id'] for entry in results})
    for entry in results:  # every object gets the name of another one
        place = categories.index(entry['category_id'])
        entry['category_id'] = categories[place - 1]
    Path(results_file).write_text(json.dumps(results))
    out = tmp_path / 'metrics.json'
    main([gt_file, results_file, '--out', str(out)])
    assert json.loads(out.read_text())['AR100'] == 0
    main([gt_file, results_file, '--class-agnostic', '--out', str(out)])
    metrics = json.loads(out.read_text())
    assert metrics['AR100'] == metrics['AP'] == 1
    assert list(metrics['per_category']) == ['-1']
    assert ' all as one ' in capsys.readouterr().out


def test_scoring_imports_no_torch(files):
    code = (
        f'import sys; sys.argv = ["evaluate.py", *{files!r}]\n'
        'import runpy; runpy.run_path("tools/evaluate.py", run_name="__main__")\n'
        "print([n for n in ('torch', 'mmcv', 'mmdet') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == '[]'


@pytest.mark.parametrize('options', [[], ['--class-agnostic'], ['--jobs', '2']])
@pytest.mark.parametrize(
    ('num_extra', 'category_id'),
    [(0, 1), (120, 1), (0, 99)],
    ids=['scored', 'after the 100 that count', 'of a category without ground truth'],
)
def test_a_corrupted_mask_is_named_wherever_it_is(
    num_extra, category_id, options, files, capsys
):
    gt_file, results_file = files
    gt = json.loads(Path(gt_file).read_text())
    gt['categories'].append(dict(id=99, name='unused'))
    Path(gt_file).write_text(json.dumps(gt))
    results = json.loads(Path(results_file).read_text())
    first = next(entry for entry in results if entry['category_id'] == 1)
    results += [dict(first, score=0.5)] * num_extra
    masks = list(first['segmentations'])
    frame_id = next(t for t, mask in enumerate(masks) if mask)
    masks[frame_id] = dict(masks[frame_id], counts='11')
    bad = dict(first, category_id=category_id, segmentations=masks, score=0.01)
    results.append(bad)
    Path(results_file).write_text(json.dumps(results))
    with pytest.raises(SystemExit, match='2'):
        main([gt_file, results_file, *options])
    place = f'results.json: [{len(results) - 1}].segmentations[{frame_id}].counts: '
    assert place in capsys.readouterr().err
