import cv2
import numpy as np
import pytest

from mmvis.visualization.strip import EvenlySpaced, draw_strip, join_strip, write_strip

CLASSES = ('cat', 'dog')


class Asked(list):
    """A list that remembers which elements were asked for."""

    def __init__(self, items):
        super().__init__(items)
        self.indices = []

    def __getitem__(self, index):
        self.indices.append(index)
        return super().__getitem__(index)


def test_first_last_and_evenly_spaced_frames_are_loaded(frames, tracks):
    frames = Asked(frames)
    strip = draw_strip(frames, tracks, CLASSES, num_frames=3, min_side=80)
    assert frames.indices == [0, 2, 4]
    assert strip.shape == (80, 3 * 120 + 2 * 6, 3)
    assert [strip[2, x].tolist() for x in (118, 122, 130, 370)] == [
        [0, 0, 0],
        [255, 255, 255],
        [20, 20, 20],
        [40, 40, 40],
    ]


def test_short_video_is_shown_whole(frames, tracks):
    strip = draw_strip(frames, tracks, CLASSES, num_frames=50, min_side=80)
    assert strip.shape == (80, 5 * 120 + 4 * 6, 3)


def test_file_holds_the_strip(tmp_path, frames, tracks):
    path = tmp_path / 'new' / 'strip.png'
    write_strip(path, frames, tracks, CLASSES, num_frames=2)
    expected = draw_strip(frames, tracks, CLASSES, num_frames=2)
    assert expected.shape[0] == 240
    assert np.array_equal(cv2.imread(str(path)), expected)
    assert [file.name for file in path.parent.iterdir()] == ['strip.png']


def test_nothing_to_show_is_an_error(frames, tracks):
    with pytest.raises(ValueError, match='at least one frame, got 0'):
        draw_strip([], tracks, CLASSES)
    with pytest.raises(ValueError, match='num_frames=0'):
        draw_strip(frames, tracks, CLASSES, num_frames=0)


@pytest.mark.parametrize('num_seen', [1, 2, 5, 6, 7, 24, 25, 100, 1000])
def test_evenly_spaced_items_of_an_unknown_number(num_seen):
    chosen = EvenlySpaced(6)
    for item in range(num_seen):
        chosen.add(item)
        assert len(chosen._kept) <= 24
    items = chosen.items()
    assert len(items) == min(6, num_seen)
    assert (items[0], items[-1]) == (0, num_seen - 1)
    steps = np.diff(items)
    assert steps.size == 0 or steps.max() <= 2 * steps.min()


def test_no_items():
    assert EvenlySpaced(6).items() == []


def test_strip_goes_on_in_rows_where_it_would_be_too_wide(frames, tracks):
    strip = draw_strip(frames, tracks, CLASSES, num_frames=5, min_side=320)
    wide, high = 120 * 4, 80 * 4  # four frames of 480 pixels do not fit into 1920
    assert strip.shape == (2 * high + 6, 3 * wide + 2 * 6, 3)
    assert (strip[high + 10 :, 2 * wide + 20 :] == 255).all()  # no sixth frame
    assert (strip[high + 8, 10] == frames[3][0, 0]).all()


@pytest.mark.parametrize(
    ('num_frames', 'columns'), [(2, 2), (3, 3), (4, 2), (5, 3), (7, 3)]
)
def test_rows_of_a_strip_are_equally_long(num_frames, columns):
    pictures = {t: np.zeros((30, 480, 3), dtype=np.uint8) for t in range(num_frames)}
    assert join_strip(pictures).shape[1] == columns * 480 + (columns - 1) * 6
