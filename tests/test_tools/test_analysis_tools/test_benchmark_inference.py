import re
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TOOL = ROOT / 'tools' / 'analysis_tools' / 'benchmark_inference.py'
CONFIG = f"""
_base_ = '{ROOT}/configs/ifc_r50.py'
model = dict(
    backbone=dict(depth=18, init_cfg=None),
    neck=dict(in_channels=[128, 256, 512], embed_dims=32, num_layers=1),
    head=dict(
        in_channels=[128, 256, 32],
        embed_dims=32,
        num_queries=6,
        decoder=dict(num_layers=1),
    ),
)
"""


def test_reports_time_and_memory(tmp_path, monkeypatch, capsys):
    config = tmp_path / 'tiny.py'
    config.write_text(CONFIG)
    args = ['--clip-len', '3', '--size', '48', '64', '--repeats', '2']
    monkeypatch.setattr(sys, 'argv', [str(TOOL), str(config), *args])
    runpy.run_path(str(TOOL), run_name='__main__')
    report = capsys.readouterr().out
    assert 'T=3, 48x64, cpu, 1 thread(s)' in report
    (median, low, high, passes, speed, cpu) = re.search(
        r'median ([\d.]+) s, ([\d.]+) to ([\d.]+) s in (\d+) passes, ([\d.]+) frames/s'
        r'; CPU time: median ([\d.]+) s',
        report,
    ).groups()
    assert 0 < float(low) <= float(median) <= float(high)
    assert passes == '2'
    assert abs(float(speed) * float(median) - 3) < 0.3
    assert float(cpu) > 0
    peak, built = re.search(r'memory: (\d+) MB, (\d+) MB before', report).groups()
    assert int(peak) >= int(built) > 100
