import importlib
import runpy
import sys
from pathlib import Path

TOOLS = Path(__file__).parents[2] / 'tools' / 'analysis_tools'


def test_both_evaluations_agree_on_a_small_case(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(TOOLS))
    script = str(TOOLS / 'benchmark_evaluation.py')
    sizes = ['--videos', '3', '--tracks', '12', '--repeats', '1']
    monkeypatch.setattr(sys, 'argv', [script, *sizes])
    runpy.run_path(script, run_name='__main__')
    out = capsys.readouterr().out
    assert '3 videos around 36x48' in out
    assert 'largest difference of precision 0.0e+00, of recall 0.0e+00' in out


def test_the_case_is_the_same_for_the_same_seed(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    make_case = importlib.import_module('synthetic_results').make_case
    assert make_case(1, 2, (20, 30), seed=4) == make_case(1, 2, (20, 30), seed=4)
    assert make_case(1, 2, (20, 30), seed=4) != make_case(1, 2, (20, 30), seed=5)
