import numpy as np
import pytest

from mmvis.datasets.shapes_vis.contours import CATEGORIES, contour
from mmvis.datasets.shapes_vis.rasterise import FULL_COVERAGE, rasterise

AREAS = dict(
    disc=np.pi * 0.95**2,
    box=1.6**2,
    triangle=3 * 3**0.5 / 4 * 1.15**2,
    ring=np.pi * (1 - 0.48**2),
    cross=4 * 2 * 0.38 - 4 * 0.38**2,
)


def test_categories_keep_their_order():
    assert CATEGORIES == ('disc', 'box', 'triangle', 'ring', 'cross')


@pytest.mark.parametrize('category', CATEGORIES)
def test_contour_has_the_area_of_its_shape(category):
    rings = [100.0 * ring + 128.0 for ring in contour(category)]
    coverage, _ = rasterise(rings, 256, 256)
    area = coverage.sum(dtype=np.int64) / FULL_COVERAGE / 100.0**2
    assert area == pytest.approx(AREAS[category], rel=0.01)


def test_ring_has_a_hole():
    rings = [20.0 * ring + 32.0 for ring in contour('ring')]
    coverage, (left, top) = rasterise(rings, 64, 64)
    assert coverage[32 - top, 32 - left] == 0
    assert coverage[32 - top, 32 - left + 15] == FULL_COVERAGE
