import pytest

from mmvis import processor
from mmvis.processor import describe_processor

CPUINFO = """processor\t: 0
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC 7763 : 64-Core

processor\t: 1
vendor_id\t: GenuineIntel
"""


@pytest.fixture
def cpuinfo(tmp_path, monkeypatch):
    path = tmp_path / 'cpuinfo'
    path.write_text(CPUINFO)
    monkeypatch.setattr(processor, '_CPUINFO', path)
    monkeypatch.setattr('platform.processor', lambda: 'arm')
    return path


def test_fields_are_those_of_the_first_cpu(cpuinfo):
    assert describe_processor('vendor_id') == 'AuthenticAMD'
    assert describe_processor('model name') == 'AMD EPYC 7763 : 64-Core'


def test_what_is_not_told_is_that_of_the_platform(cpuinfo):
    assert describe_processor('CPU implementer') == 'arm'
    cpuinfo.unlink()
    assert describe_processor('vendor_id') == 'arm'
