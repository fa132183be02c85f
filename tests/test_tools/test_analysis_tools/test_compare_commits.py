import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[3]
TOOL = ROOT / 'tools' / 'analysis_tools' / 'compare_commits.py'


@pytest.fixture(scope='module')
def tool():
    return runpy.run_path(str(TOOL))


def passes(*figures):
    return [dict(cpu=cpu, memory=mb, outputs=out) for cpu, mb, out in figures]


def test_table_has_medians_spread_factors_and_differences(tool):
    before = passes((3.0, 400, [0.0]), (2.0, 300, [0.0]), (4.0, 1500, [2.0]))
    now = passes((1.0, 100, [0.0]), (2.0, 300, [0.0]), (1.5, 200, [2.002]))
    lines = tool['table'](dict(forward=dict(before=before, now=now))).splitlines()
    assert lines[2:] == [
        '| forward | before | 3 (2 to 4) | 1.00 | 400 (300 to 1,500) | 1.00 | 0e+00 |',
        '| forward | now | 1.5 (1 to 2) | 2.00 | 200 (100 to 300) | 2.00 | 1e-03 |',
    ]


def test_outputs_are_told_apart_by_their_means(tool):
    outputs = dict(b=[torch.tensor([1.0, -3.0]), 4], a=torch.ones(2, dtype=torch.half))
    assert list(tool['_digest'](outputs)) == [1.0, 2.0, 4.0]
    with pytest.raises(ValueError, match='shorter'):
        tool['_difference'](dict(outputs=[1.0, 2.0]), dict(outputs=[1.0]))


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / '.git').exists(), reason='needs the history')
@pytest.mark.skipif(sys.platform != 'linux', reason='measures memory as Linux tells it')
def test_a_commit_is_compared_with_the_checkout(tmp_path):
    command = [sys.executable, str(TOOL), 'HEAD', '--cases', 'ifc-t5']
    worktrees = [
        subprocess.check_output(['git', '-C', ROOT, 'worktree', 'list'], text=True)
    ]
    subprocess.run([*command, '--rounds', '1', '--out', tmp_path], check=True)
    found = json.loads((tmp_path / 'commits.json').read_text())['ifc-t5']
    assert found['before'][0]['outputs'] == found['now'][0]['outputs']
    assert found['before'][0]['cpu'] > 0 < found['now'][0]['memory']
    assert '| ifc-t5 | ' in (tmp_path / 'commits.md').read_text()
    worktrees.append(
        subprocess.check_output(['git', '-C', ROOT, 'worktree', 'list'], text=True)
    )
    assert worktrees[0] == worktrees[1]
