import numpy as np

from mmvis.datasets.shapes_vis.rasterise import rasterise


def _rectangle(left, top, right, bottom):
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return [np.array(corners, dtype=np.float64)]


def test_coverage_is_the_covered_part_of_each_pixel():
    coverage, corner = rasterise(_rectangle(1.5, 2.0, 4.0, 3.25), 8, 8)
    assert corner == (1, 2)
    assert coverage.tolist() == [[8, 16, 16], [2, 4, 4]]


def test_polygon_is_cut_at_the_frame():
    coverage, corner = rasterise(_rectangle(-5.0, -5.0, 2.0, 1.0), 4, 3)
    assert corner == (0, 0)
    assert coverage.tolist() == [[16, 16]]
    coverage, corner = rasterise(_rectangle(1.0, 3.0, 9.0, 9.0), 4, 3)
    assert corner == (1, 3)
    assert coverage.tolist() == [[16, 16]]


def test_polygon_outside_gives_none():
    assert rasterise(_rectangle(-5.0, 0.0, -1.0, 4.0), 4, 4) is None
    assert rasterise(_rectangle(0.0, 4.0, 4.0, 6.0), 4, 4) is None


def test_triangle_agrees_with_the_half_planes_at_each_sample():
    ring = np.array([[1.3, 0.7], [9.1, 3.2], [4.4, 8.9]])
    coverage, (left, top) = rasterise([ring], 10, 10)
    frame = np.zeros((10, 10), dtype=np.int64)
    frame[top : top + coverage.shape[0], left : left + coverage.shape[1]] = coverage
    samples = (np.arange(40) + 0.5) / 4
    x, y = np.meshgrid(samples, samples)
    inside = np.ones_like(x, dtype=bool)
    for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0)):
        inside &= (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) > 0
    expected = inside.reshape(10, 4, 10, 4).sum(axis=(1, 3))
    assert np.array_equal(frame, expected)
