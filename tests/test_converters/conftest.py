import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.registry import DefaultScope

TOOLS = Path(__file__).resolve().parents[2] / 'tools' / 'model_converters'


@pytest.fixture
def run_converter(monkeypatch, capsys):
    """Run a tool in this process: its status and what it prints."""

    def run(tool, *args):
        monkeypatch.setattr(sys, 'argv', [tool, *map(str, args)])
        status = 0
        try:
            runpy.run_path(str(TOOLS / tool), run_name='__main__')
        except SystemExit as end:
            status = end.code
        out, err = capsys.readouterr()
        return SimpleNamespace(returncode=status, stdout=out, stderr=err)

    yield run
    # MMEngine has no public way back to no scope at all.
    DefaultScope._instance_dict.clear()
