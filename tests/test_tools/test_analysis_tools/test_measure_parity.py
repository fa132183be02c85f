import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).resolve().parents[3]
TEST = """
import numpy as np
import torch
from torch.testing import assert_close

arrays = np.load({path!r})

def test_layers():
    for i, error in enumerate((0.001, 0.25)):
        expected = torch.from_numpy(arrays[f'layer{{i}}/logits'])
        assert_close(expected + error, expected, atol=1.0, rtol=0)

def test_slice():
    expected = arrays['boxes'][1:]
    arrays['recipe']  # read, and not compared
    np.testing.assert_allclose(expected * 2, expected, atol=10)

def test_other_values():
    torch.testing.assert_close(torch.ones(2), torch.ones(2))
"""


@pytest.fixture(scope='module')
def tool():
    path = ROOT / 'tools/analysis_tools/measure_parity.py'
    spec = importlib.util.spec_from_file_location('measure_parity', path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # for the annotations of its dataclass
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_largest_differences_of_each_quantity(tool, tmp_path):
    path = tmp_path / 'forward_r50_t5.npz'
    np.savez(
        path,
        **{'layer0/logits': np.array([1.0, -3.0]), 'layer1/logits': np.ones((2, 2))},
        boxes=np.array([[9.0, 9.0], [2.0, 4.0]]),
        recipe=np.array('text'),
    )
    test = tmp_path / 'test_some.py'
    test.write_text(TEST.format(path=str(path)))
    recorder, close = tool.ParityRecorder(), torch.testing.assert_close
    options = ['-q', '-p', 'no:xdist', '-p', 'no:cacheprovider', '--no-header']
    assert pytest.main([*options, str(test)], plugins=[recorder]) == 0
    assert tool.format_table(recorder.rows).splitlines()[2:] == [
        '| forward | `boxes` | 2 | 4 | 4.0e+00 |',
        '| forward | `layer#/logits` | 6 | 3 | 2.5e-01 |',
    ]
    assert torch.testing.assert_close is close


def test_files_of_the_methods_exist(tool):
    for paths in tool.TESTS.values():
        assert all((ROOT / path).exists() for path in paths)
