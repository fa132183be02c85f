import numpy as np

from mmvis.visualization.labels import Label, draw_labels

RED, GREEN = (0, 0, 255), (0, 255, 0)


def _rows(image, colour):
    rows = np.flatnonzero((image == colour).all(axis=2).any(axis=1))
    return rows.min(), rows.max()


def test_label_lies_above_its_place():
    image = np.zeros((100, 200, 3), np.uint8)
    draw_labels(image, [Label('cat', RED, 50, 60)])
    assert _rows(image, RED)[1] == 59
    columns = np.flatnonzero((image == RED).all(axis=2).any(axis=0))
    assert columns.min() == 50


def test_labels_stay_inside_the_image():
    image = np.zeros((100, 200, 3), np.uint8)
    draw_labels(image, [Label('cat', RED, 195, -5), Label('dog', GREEN, -20, 200)])
    assert _rows(image, RED)[0] == 0
    assert (image[5, 199] == RED).all()
    assert _rows(image, GREEN)[1] == 99


def test_second_label_moves_down_below_the_first():
    image = np.zeros((100, 200, 3), np.uint8)
    draw_labels(image, [Label('cat', RED, 50, 60), Label('dog', GREEN, 55, 60)])
    assert _rows(image, GREEN)[0] == _rows(image, RED)[1] + 1


def test_label_without_room_is_left_out():
    image = np.zeros((20, 40, 3), np.uint8)
    draw_labels(image, [Label('cat', RED, 0, 20), Label('dog', GREEN, 0, 20)])
    assert not (image == GREEN).all(axis=2).any()
