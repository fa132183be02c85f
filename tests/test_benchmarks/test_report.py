import json

from mmvis.benchmarks.protocol import PROTOCOL, Measurement, Workload
from mmvis.benchmarks.report import Report, table


def measurement(name, cpu, **others):
    workload = Workload(name, lambda: None, 4, facts=others.pop('facts', {}))
    return Measurement(workload, dict(wall=[2.0] * len(cpu), cpu=cpu, **others))


ROWS = [
    measurement('slow', [0.9, 1.0, 1.4], memory=[10.0, 12.0, 11.0], facts=dict(G=7)),
    measurement('fast', [0.5, 0.25, 0.5], latency=[3.0, 4.0, 5.0]),
]


def test_the_table_has_medians_spread_and_factors():
    header, _, slow, fast = table(ROWS).splitlines()
    assert header == (
        '| what | CPU s | factor | wall s | CPU ms per frame | memory, MB | latency '
        '| G |'
    )
    assert slow == (
        '| slow | 1.00 (0.900 to 1.40) | 1.00 | 2.00 (2.00 to 2.00) | 250 '
        '| 11.0 (10.0 to 12.0) |  | 7.00 |'
    )
    assert fast.startswith('| fast | 0.500 (0.250 to 0.500) | 2.00 |')
    assert fast.endswith('|  | 4.00 (3.00 to 5.00) |  |')


def test_markdown_and_json_say_how_it_was_measured(tmp_path):
    report = Report(
        'forward', ['ifc_r50', '--compare', 'fast amp'], dict(cores=2), ROWS
    )
    page, data = report.write(tmp_path / 'new')
    text = page.read_text()
    assert "mmvis benchmark forward ifc_r50 --compare 'fast amp'\n" in text
    assert table(ROWS) in text
    assert PROTOCOL in text
    assert 'cores 2' in text
    content = json.loads(data.read_text())
    assert content['rows'][1]['medians']['cpu'] == 0.5
    assert content['rows'][0]['figures']['cpu'] == [0.9, 1.0, 1.4]
    assert content['machine'] == dict(cores=2)
