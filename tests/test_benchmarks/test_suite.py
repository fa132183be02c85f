import json

import pytest
import torch

from mmvis.benchmarks import suite
from mmvis.benchmarks.suite import SUITES, Entry, run_suite
from mmvis.commands.benchmark import PARTS, main, parse
from mmvis.errors import UserValueError
from mmvis.zoo import find_config

TINY = (
    Entry(
        'A clip',
        'forward ifc_small_shapes --size 32 32 --repeats 1',
        ['config=ifc_small_shapes clip_len=1', 'config=videomt_small_shapes'],
    ),
    Entry(
        'Growth',
        'growth ifc_small_shapes --against clip-len objects --points 2 --clip-len 1 '
        '--size 32 32 --num-frames 4 --repeats 1',
    ),
)


@pytest.fixture(autouse=True)
def _same_threads():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize('kind', SUITES)
def test_settings_are_options_of_the_parts(kind):
    for entry in SUITES[kind]:
        part, *words = entry.words
        for setting in entry.settings or ['default']:
            options = parse(part, [*words, '--device', kind], setting)
            assert options.device == kind
            if PARTS[part].has_model:
                assert find_config(options.config).is_file()
    parts = {entry.words[0] for entry in SUITES[kind]}
    assert {'forward', 'end-to-end', 'training', 'growth', 'long-video'} <= parts
    assert {'loader', 'video-io', 'evaluation'} <= parts


def test_one_page_has_everything(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(SUITES, 'cpu', TINY)
    main(['--suite', '--out', str(tmp_path)])
    page = (tmp_path / 'index.md').read_text()
    assert page.startswith('# Performance\n')
    assert '## A clip\n' in page
    assert '| forward, T=1, 32x32: ifc_small_shapes |' in page
    assert '| forward, T=1, 32x32: videomt_small_shapes |' in page
    assert '| frames of a clip | 1 | 2 |' in page
    assert '![growth](growth.svg)' in page
    assert 'cores' in page
    assert (tmp_path / 'growth.svg').is_file()
    reports = json.loads((tmp_path / 'suite.json').read_text())
    assert [report['benchmark'] for report in reports] == ['forward', 'growth']
    assert str(tmp_path / 'growth.svg') in capsys.readouterr().out


def test_what_fails_or_comes_too_late_is_named(tmp_path, monkeypatch):
    seconds = iter([0, 0, 90, 90])
    monkeypatch.setattr(suite.time, 'perf_counter', lambda: next(seconds))

    def fail(*args, **kwargs):
        raise RuntimeError('out of memory\nand more')

    monkeypatch.setattr(suite, 'run_part', fail)
    run_suite('cpu', tmp_path, minutes=1, entries=TINY)
    page = (tmp_path / 'index.md').read_text()
    assert '## A clip\n\nLeft out: out of memory.' in page
    assert '## Growth\n\nLeft out: 1 minutes were over.' in page


def test_devices_without_a_suite_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    for device in ('tpu', 'cuda'):
        with pytest.raises(UserValueError, match='--device must be cpu, or cuda where'):
            run_suite(device, tmp_path)
