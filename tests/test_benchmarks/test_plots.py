import re
from xml.etree import ElementTree

from mmvis.benchmarks.plots import Plot, draw_plots, plots_of
from mmvis.benchmarks.protocol import Measurement, Point, Workload


def growing(series, cpu):
    return [
        Measurement(
            Workload(f'{v}', lambda: None, 1, point=Point('frames', v, series)),
            dict(cpu=[v**cpu], wall=[1.0], memory=[2.0 * v]),
        )
        for v in (2, 4, 8)
    ]


def test_series_share_a_panel_for_each_figure():
    time, memory = plots_of([*growing('ifc', 1), *growing('vistr', 2)])
    assert (time.x_label, time.y_label) == ('frames', 'CPU s')
    assert time.lines == {
        'ifc 1.00': ([2, 4, 8], [2, 4, 8]),
        'vistr 2.00': ([2, 4, 8], [4, 16, 64]),
    }
    assert time.is_logarithmic
    assert memory.lines['ifc 1.00'] == ([2, 4, 8], [4, 8, 16])


def test_what_a_workload_observed_is_drawn_over_its_first_curve():
    curves = {'frame': [1, 2], 'latency, ms': [3, 4], 'memory, MB': [5, 6]}
    workload = Workload('stream', lambda: None, 2, curves=curves)
    latency, memory = plots_of([Measurement(workload, dict(cpu=[1]))])
    assert latency == Plot('frame', 'latency, ms', {'stream': ([1, 2], [3, 4])})
    assert memory.y_label == 'memory, MB'


def test_nothing_to_draw():
    assert plots_of([Measurement(Workload('x', lambda: None, 1), dict(cpu=[1]))]) == []


def test_files_are_small_readable_and_the_same_again(tmp_path):
    plots = plots_of([*growing('ifc', 1), *growing('vistr', 2)])
    draw_plots(plots, tmp_path / 'a.svg')
    draw_plots(plots, tmp_path / 'b.svg')
    content = (tmp_path / 'a.svg').read_text()
    assert content == (tmp_path / 'b.svg').read_text()
    assert len(content) < 30_000
    ElementTree.fromstring(content)
    texts = re.findall(r'>([^<>\n]+)</text>', content)
    assert {'CPU s', 'memory, MB', 'frames', 'ifc 1.00', 'vistr 2.00'} <= set(texts)
