import subprocess
import sys
from pathlib import Path

import pytest

from mmvis.testing import make_tiny_video

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
def test_every_part_is_measured(tmp_path):
    make_tiny_video(tmp_path / 'tiny.mp4', num_frames=3)
    tool = ROOT / 'tools/analysis_tools/benchmark_video_io.py'
    done = subprocess.run(
        [sys.executable, tool, tmp_path / 'tiny.mp4'],
        env={'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()[1:]
    assert len(lines) == 6
    assert all('3 frames' in line for line in lines)
