import numpy as np
import pytest

from mmvis.visualization.text import render_text


@pytest.mark.parametrize('text', ['cat', 'Größe', 'лиса', 'γάτα', 'قطة', 'A_1 #2'])
def test_scripts_of_the_shipped_font(text):
    coverage = render_text(text, 20)
    assert coverage.shape[0] == 20
    assert coverage.min() >= 0
    assert coverage.max() > 0.9
    # No character of it is drawn as the box that stands for a missing one.
    unknown = render_text('\U0010fff0', 20)
    for character in text.replace(' ', ''):
        drawn = render_text(character, 20)
        is_box = drawn.shape == unknown.shape and np.allclose(drawn, unknown)
        assert not is_box, character


def test_text_fills_its_line_without_being_cut():
    coverage = render_text('Ägqj', 40)
    rows = np.flatnonzero(coverage.max(1) > 0.2)
    assert rows.min() > 0
    assert rows.max() < 39
    assert rows.max() - rows.min() > 24


def test_width_grows_with_the_text():
    assert render_text('catcat', 20).shape[1] > 1.8 * render_text('cat', 20).shape[1]
    assert render_text('', 20).shape == (20, 1)


def test_control_characters_are_replaced():
    replaced = render_text('a\ufffdb', 20)
    assert np.array_equal(render_text('a\x1bb', 20), replaced)
    assert np.array_equal(render_text('a\nb', 20), replaced)
