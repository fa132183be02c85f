import pytest

from mmvis.visualization.palette import text_colour, track_colour


def test_colours_are_stable():
    assert [track_colour(i) for i in (0, 1, 7)] == [
        (25, 25, 255),
        (255, 138, 89),
        (71, 204, 77),
    ]


def test_tracks_of_one_video_differ():
    colours = [track_colour(i) for i in range(20)]
    for i, first in enumerate(colours):
        for second in colours[:i]:
            assert sum(abs(a - b) for a, b in zip(first, second)) > 40


@pytest.mark.parametrize(
    ('background', 'text'),
    [((0, 255, 255), (0, 0, 0)), ((255, 0, 0), (255, 255, 255))],
)
def test_text_is_readable(background, text):
    assert text_colour(background) == text
