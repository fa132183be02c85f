import math

import numpy as np
import pytest

from mmvis.datasets.shapes_vis.exact_math import catmull_rom, rotate, unit_vector


@pytest.mark.parametrize('turns', [0.0, 0.1, 0.125, 0.37, 0.5, -0.2, 0.999, 12.3])
def test_unit_vector_is_cosine_and_sine(turns):
    angle = 2 * math.pi * turns
    expected = (math.cos(angle), math.sin(angle))
    assert unit_vector(turns) == pytest.approx(expected, abs=1e-12)


def test_quarter_turns_are_exact():
    assert [unit_vector(i / 4) for i in range(4)] == [(1, 0), (0, 1), (-1, 0), (0, -1)]


def test_spline_goes_through_its_knots():
    knots = [3.0, -1.0, 4.0, 1.0]
    assert [catmull_rom(knots, i) for i in range(4)] == knots


def test_spline_of_a_line_is_the_line_between_inner_knots():
    assert catmull_rom([0.0, 2.0, 4.0, 6.0], 1.25) == pytest.approx(2.5)


def test_rotation_turns_x_towards_y():
    points = np.array([[1.0, 0.0], [0.0, 2.0]])
    assert rotate(points, 0.25).tolist() == [[0.0, 1.0], [-2.0, 0.0]]
