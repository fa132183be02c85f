import numpy as np
import pytest

from mmvis.visualization.labels import Label, LabelLayout, draw_label

SIZE = (200, 300)
RED, GREEN = (0, 0, 255), (0, 255, 0)


def label(box, track_id=0, text='cat', colour=RED):
    return Label(track_id, text, colour, box)


def test_label_lies_on_top_of_its_object():
    ((_, box),) = LabelLayout().arrange([label((50, 60, 90, 100))], SIZE)
    assert (box[0], box[3]) == (50, 60)


@pytest.mark.parametrize(
    ('object_box', 'expected'),
    [((295, -5, 310, 40), (300, 16)), ((-20, 190, 30, 230), (None, 190))],
)
def test_labels_stay_inside_the_image(object_box, expected):
    ((_, box),) = LabelLayout().arrange([label(object_box)], SIZE)
    assert box[0] >= 0
    assert box[1] >= 0
    right, bottom = expected
    assert right in (None, box[2])
    assert box[3] == bottom


def test_labels_do_not_cover_each_other():
    same_place = (50, 60, 90, 100)
    labels = [label(same_place, track_id) for track_id in range(4)]
    shown = LabelLayout().arrange(labels, SIZE)
    assert [item.track_id for item, _ in shown] == [0, 1, 2]
    tops = [box[1] for _, box in shown]
    assert tops == [60 - 16, 60, 100]  # above, inside, below; no room for a fourth


def test_label_that_does_not_fit_is_left_out():
    assert LabelLayout().arrange([label((0, 0, 5, 5))], (10, 300)) == []
    assert LabelLayout().arrange([label((0, 0, 5, 5), text='x' * 99)], SIZE) == []


def test_label_keeps_its_place_when_another_one_is_free_again():
    layout = LabelLayout()
    first, second = label((50, 60, 90, 100), 1), label((55, 62, 90, 100), 2)
    layout.arrange([first, second], SIZE)
    ((_, box),) = layout.arrange([second], SIZE)
    assert box[1] == 62  # still inside


def test_label_follows_its_object_smoothly():
    layout = LabelLayout()
    layout.arrange([label((50, 60, 90, 100))], SIZE)
    tops = []
    for _ in range(12):
        ((_, box),) = layout.arrange([label((50, 80, 90, 120))], SIZE)
        tops.append(box[3])
    assert tops[0] == pytest.approx(60 + 0.35 * 20)
    assert tops == sorted(tops)
    assert tops[-1] == pytest.approx(80, abs=0.2)


def test_label_of_a_track_that_comes_back_does_not_travel_there():
    layout = LabelLayout()
    layout.arrange([label((50, 60, 90, 100))], SIZE)
    layout.arrange([], SIZE)
    ((_, box),) = layout.arrange([label((200, 150, 240, 190))], SIZE)
    assert (box[0], box[3]) == (200, 150)


def test_label_is_drawn_into_its_box():
    image = np.zeros((*SIZE, 3), np.uint8)
    shown = LabelLayout().arrange([label((50, 60, 90, 100), colour=GREEN)], SIZE)
    ((item, box),) = shown
    draw_label(image, item, box)
    rows, columns = np.nonzero(image.any(axis=2))
    assert (columns.min(), rows.max() + 1) == (50, 60)
    assert columns.max() + 1 == box[2]
    inside = image[44:60, 50 : int(box[2])]
    assert (inside[0] == GREEN).all()
    assert (inside == 0).all(axis=2).any()  # black letters
