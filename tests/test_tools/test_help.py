import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_no_help_of_a_tool_imports_torch_or_mmdetection():
    """They take seconds to import, and help only prints names."""
    tools = sorted(map(str, (ROOT / 'tools').rglob('*.py')))
    assert len(tools) > 10
    code = (
        'import runpy, sys\n'
        f'for path in {tools}:\n'
        "    sys.argv = [path, '--help']\n"
        "    sys.path.insert(0, path.rpartition('/')[0])\n"
        '    try:\n'
        "        runpy.run_path(path, run_name='__main__')\n"
        '    except SystemExit as end:\n'
        '        assert not end.code, path\n'
        "    slow = {'torch', 'mmcv', 'mmdet', 'matplotlib'} & sys.modules.keys()\n"
        "    assert not slow, f'{path} imports {slow}'\n"
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
