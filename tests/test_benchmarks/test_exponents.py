import pytest

from mmvis.benchmarks.exponents import exponent_table, exponents, fit_exponent
from mmvis.benchmarks.protocol import Measurement, Point, Workload


def measured(value, series='', **figures):
    point = Point('frames', value, series)
    workload = Workload(f'{value} frames', lambda: None, 1, point=point)
    return Measurement(workload, {name: [x] for name, x in figures.items()})


def test_exponents_of_powers():
    assert fit_exponent([3, 6, 24], [9, 36, 576]) == pytest.approx(2)
    assert fit_exponent([1, 4], [5, 5]) == pytest.approx(0)
    # By hand: logarithms 0, 1, 2 to base 2 of 1, 2, 4 and 0, 1, 3 of 1, 2, 8.
    assert fit_exponent([1, 2, 4], [1, 2, 8]) == pytest.approx(1.5)


def test_there_is_no_exponent_of_one_point_or_of_nothing():
    assert fit_exponent([4], [3]) is None
    assert fit_exponent([4, 4], [3, 5]) is None
    assert fit_exponent([1, 2], [0, 5]) is None


def test_series_are_fitted_apart():
    other = Measurement(Workload('other', lambda: None, 1), dict(cpu=[1]))
    found = exponents(
        [
            measured(2, 'a', cpu=1, wall=1, memory=3),
            measured(4, 'a', cpu=2, wall=4, memory=3),
            other,
            measured(2, 'b', cpu=1, wall=1),
            measured(4, 'b', cpu=8, wall=1),
        ]
    )
    assert [(fit['axis'], fit['series']) for fit in found] == [
        ('frames', 'a'),
        ('frames', 'b'),
    ]
    assert found[0] == dict(
        axis='frames', series='a', values=[2, 4],
        cpu=pytest.approx(1), wall=pytest.approx(2), memory=pytest.approx(0),
    )  # fmt: skip
    assert found[1]['cpu'] == pytest.approx(3)
    assert found[1]['memory'] is None


def test_the_table_names_settings_where_there_are_some():
    rows = [measured(1000, cpu=1, wall=1), measured(4000, cpu=2, wall=4)]
    assert exponent_table(rows).splitlines() == [
        '| grows with | from | to | exponent of CPU time | exponent of wall time '
        '| exponent of memory |',
        '| --- | --- | --- | --- | --- | --- |',
        '| frames | 1,000 | 4,000 | 0.50 | 1.00 |  |',
    ]
    rows = [measured(1, 'fast', cpu=1, wall=1), measured(2, 'fast', cpu=2, wall=2)]
    assert '| frames | fast | 1 | 2 | 1.00 | 1.00 |  |' in exponent_table(rows)
    assert exponent_table([]) == ''
