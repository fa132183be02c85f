import sys

import pytest

from mmvis.commands.benchmark import BENCHMARKS, main


@pytest.fixture(autouse=True)
def _same_arguments_and_path(monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['mmvis benchmark'])
    monkeypatch.setattr(sys, 'path', list(sys.path))


@pytest.mark.parametrize('part', BENCHMARKS)
def test_every_part_is_run_by_its_script(part, capsys):
    with pytest.raises(SystemExit) as end:
        main([part, '--help'])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f'usage: benchmark_{part}.py ')


def test_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit) as end:
        main(['speed'])
    assert end.value.code == 2
    assert 'inference' in capsys.readouterr().err
