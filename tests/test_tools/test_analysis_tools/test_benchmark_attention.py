import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TOOL = ROOT / 'tools' / 'analysis_tools' / 'benchmark_attention.py'


@pytest.mark.parametrize(
    'step', ['forward', pytest.param('train', marks=pytest.mark.slow)]
)
def test_compares_both_kinds_of_attention(step):
    config = ROOT / 'configs' / 'vistr_small_shapes.py'
    args = ['--clip-len', '3', '--size', '64', '96', '--dropout', '0', '--num-gts', '2']
    command = [sys.executable, str(TOOL), str(config), *args, '--steps', step]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert 'T=3, 64x96, cpu, 1 thread(s)' in result.stdout
    rows = re.findall(
        r'^(\w+), (\w+): [\d.]+ s \(CPU time [\d.]+ s\), '
        r'peak memory (\d+) MB, (\d+) MB before$',
        result.stdout,
        re.MULTILINE,
    )
    assert [row[:2] for row in rows] == [(step, 'efficient'), (step, 'plain')]
    assert all(int(peak) >= int(built) > 100 for _, _, peak, built in rows)
    assert f'{step}: relative difference of the results' in result.stdout
