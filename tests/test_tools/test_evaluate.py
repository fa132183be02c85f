import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from mmvis.testing import make_tiny_vis

REPO = Path(__file__).parents[2]
GOLDEN = REPO / 'tests' / 'data' / 'golden' / 'ytvis_eval'
TOOL = REPO / 'tools' / 'evaluate.py'
MEDIUM = GOLDEN / 'case_medium'


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the tool in this process; return exit code, stdout and stderr."""

    def call(*args):
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, args)])
        code = 0
        try:
            runpy.run_path(str(TOOL), run_name='__main__')
        except SystemExit as error:
            code = error.code
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def quirk(tmp_path):
    row = json.loads((GOLDEN / 'quirks.json').read_text())[0]
    assert row['name'] == 'short_prediction'
    (tmp_path / 'gt.json').write_text(json.dumps(row['gt']))
    (tmp_path / 'pred.json').write_text(json.dumps(row['pred']))
    return tmp_path / 'gt.json', tmp_path / 'pred.json'


def test_numbers_are_written_in_full(tmp_path):
    out = tmp_path / 'new' / 'metrics.json'
    files = MEDIUM / 'gt.json.gz', MEDIUM / 'pred.json.gz'
    done = subprocess.run(
        [sys.executable, TOOL, *files, '--out', out],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ, PYTHONPATH=str(REPO)),
    )
    assert done.returncode == 0, done.stderr
    assert '| all    | 24.4 | 39.4 |' in done.stdout
    metrics = json.loads(out.read_text())
    expected = json.loads((MEDIUM / 'expected.json').read_text())
    per_category = metrics.pop('per_category')
    assert metrics == pytest.approx(expected['stats'], abs=1e-12)
    for cat_id, values in expected['per_category'].items():
        assert per_category[cat_id] == pytest.approx(values, abs=1e-12)


def test_processes_give_the_same_numbers(run, tmp_path):
    files = MEDIUM / 'gt.json.gz', MEDIUM / 'pred.json.gz'
    written = []
    for jobs in (1, 3):
        out = tmp_path / f'{jobs}.json'
        assert run(*files, '--jobs', jobs, '--out', out)[0] == 0
        written.append(out.read_bytes())
    assert written[0] == written[1]


def test_errors_with_processes_are_one_line(run, quirk):
    code, out, error = run(*quirk, '--jobs', 2)
    assert (code, out) == (2, '')
    assert error.startswith(f'error: {quirk[1]}: [0].segmentations: 1 entries')
    assert error.count('\n') == 1
    code, _, error = run(*quirk, '--jobs', 0)
    assert code == 2
    assert '--jobs' in error


def test_malformed_results_are_one_line(run, quirk):
    code, out, error = run(*quirk)
    assert (code, out) == (2, '')
    assert error.startswith(f'error: {quirk[1]}: [0].segmentations: 1 entries')
    assert error.count('\n') == 1


def test_malformed_results_can_be_scored_as_officially(run, quirk):
    code, out, _ = run(*quirk, '--no-validation')
    assert code == 0
    assert '| all    | 100.0 |' in out


def test_ground_truth_without_annotations_is_not_scored(run, quirk):
    gt = json.loads(quirk[0].read_text())
    del gt['annotations']
    quirk[0].write_text(json.dumps(gt))
    code, _, error = run(*quirk)
    assert code == 2
    assert error.startswith(f'error: {quirk[0]}: annotations: there are none')


def test_short_and_long_videos_are_told_apart_by_length(run, tmp_path):
    out = tmp_path / 'metrics.json'
    files = MEDIUM / 'gt.json.gz', MEDIUM / 'pred.json.gz'
    code, _, _ = run(*files, '--min-long-len', 20, '--out', out)
    assert code == 0
    metrics = json.loads(out.read_text())
    assert metrics['AP'] == (metrics['AP_S'] + metrics['AP_L']) / 2
    assert set(metrics['per_category_long']) == set(metrics['per_category'])


def test_annotation_id_0_scores_unless_officially(run, tmp_path):
    gt_file = make_tiny_vis(tmp_path, kind='compressed')
    gt = json.loads(gt_file.read_text())
    gt['annotations'][0]['id'] = 0
    gt_file.write_text(json.dumps(gt))
    results = [
        dict(score=0.5, **{k: a[k] for k in ('video_id', 'category_id')})
        | dict(segmentations=a['segmentations'])
        for a in gt['annotations']
    ]
    (tmp_path / 'results.json').write_text(json.dumps(results))
    files = gt_file, tmp_path / 'results.json'
    code, out, _ = run(*files)
    assert code == 0
    assert '| all    | 100.0 |' in out
    code, out, _ = run(*files, '--no-validation')
    assert code == 0
    assert '| all    | 100.0 |' not in out


def test_masks_that_would_hang_pycocotools_are_refused_without_validation(
    run, tmp_path
):
    gt_file = make_tiny_vis(tmp_path, num_videos=1, video_len=1, num_instances=1)
    entry = dict(video_id=1, category_id=2, score=0.5)
    mask = dict(size=[48, 64], counts='P2O')
    results = tmp_path / 'results.json'
    results.write_text(json.dumps([dict(entry, segmentations=[mask])]))
    code, _, error = run(gt_file, results, '--no-validation')
    assert code == 2
    assert error.startswith(f'error: {results}: [0].segmentations[0].counts: the RLE')
