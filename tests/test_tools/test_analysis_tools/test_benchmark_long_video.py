import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

ROOT = Path(__file__).resolve().parents[3]
TOOL = ROOT / 'tools' / 'analysis_tools' / 'benchmark_long_video.py'
CONFIG = f"""
_base_ = '{ROOT}/configs/ifc_r50.py'
model = dict(
    backbone=dict(depth=18, init_cfg=None),
    neck=dict(in_channels=[128, 256, 512], embed_dims=32, num_layers=1),
    head=dict(
        num_classes=40,
        in_channels=[128, 256, 32],
        embed_dims=32,
        num_queries=6,
        decoder=dict(num_layers=1),
    ),
)
test_dataloader = dict(
    num_workers=1,
    dataset=dict(
        pipeline=[
            dict(type='SampleAllFrames'),
            dict(
                type='TransformBroadcaster',
                transforms=[dict(type='LoadFrameFromFile')],
            ),
            dict(type='PackClipInputs'),
        ],
    ),
)
"""


def run_tool(tmp_path, *args):
    config = tmp_path / 'tiny.py'
    config.write_text(CONFIG)
    return subprocess.run(
        [sys.executable, str(TOOL), str(config), *args],
        cwd=tmp_path,
        env=os.environ | dict(PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1'),
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_measures_videos_through_the_test_tool(tmp_path):
    done = run_tool(tmp_path, '--frames', '10', '20', '--size', '48', '64')
    assert done.returncode == 0, done.stderr
    rows = re.findall(
        r'^ +(\d+) +([\d.]+) +([\d.]+) +([\d.]+) +(\d+) \(x ([\d.]+)\) +(\d+) \(x',
        done.stdout,
        re.MULTILINE,
    )
    assert [int(row[0]) for row in rows] == [10, 20]
    assert float(rows[0][5]) == 1
    for row in rows:
        assert 0 < float(row[2]) < 60_000
        assert int(row[4]) > 100
    work_dir = tmp_path / 'work_dirs' / 'long_video'
    assert cv2.imread(str(work_dir / 'long_video.png')).shape == (720, 960, 3)
    assert (work_dir / 'video_48x64_20' / 'test' / 'results.json').is_file()


@pytest.mark.slow
def test_shows_why_a_run_failed(tmp_path):
    options = ('--cfg-options', 'test_evaluator.type=Nothing')
    done = run_tool(tmp_path, '--frames', '10', '--size', '48', '64', *options)
    assert done.returncode != 0
    assert 'test.py' in done.stderr
    assert 'Nothing' in done.stderr
